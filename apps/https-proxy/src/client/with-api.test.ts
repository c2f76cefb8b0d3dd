import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { ServiceError } from '@sluice/service'
import { expect, it, onTestFinished } from 'vitest'
import { openTestApi, type TestApiOptions, TOKEN } from '../api/testing/test-api.ts'
import { HttpsProxyClient, type HttpsProxyClientOptions } from './index.ts'

// The client and the server that it was written for.

const start = async (
  login: Partial<HttpsProxyClientOptions> = { token: TOKEN },
  options?: TestApiOptions,
) => {
  const api = await openTestApi(options)
  const client = new HttpsProxyClient({ server: `${api.address.host}:${api.address.port}`, ...login })
  onTestFinished(async () => {
    await client.destroy()
    await api[Symbol.asyncDispose]()
  })
  return { api, client }
}

it.each([
  ['a token', { token: TOKEN }],
  ['a password', { user: 'ada', password: 'horse' }],
])('signs in with %s, and has a request made', async (_, login) => {
  const { api, client } = await start(login)
  const headers = { 'X-A': 'é' }
  const asked = client.request({
    method: 'PATCH',
    url: 'https://a/b',
    headers,
    body: 'body',
    redirects: 1,
    priority: 'low',
  })
  const job = await api.jobs.next()
  expect(job.request).toMatchObject({
    method: 'PATCH',
    fields: [['X-A', 'é']],
    redirects: 1,
    priority: 2,
    bodyBytes: 4,
  })
  expect(await job.body()).toEqual(Buffer.from('body'))
  const fields = [
    ['Set-Cookie', 'a'],
    ['Set-Cookie', 'b'],
  ] as const
  job.answer(404, fields, 'hello', [['X-Sum', '1']])
  const response = await asked
  expect(response).toMatchObject({ status: 404, headers: fields, url: 'https://a/b', cached: false })
  expect(response.id).toBe(job.request.id)
  expect(await text(response.body)).toBe('hello')
  expect(response.trailers()).toEqual([['X-Sum', '1']])
})

it('streams both ways, as fast as either end takes it', async () => {
  const { api, client } = await start()
  const chunk = Buffer.alloc(65_536, 7)
  const body = Readable.from(Array.from({ length: 300 }, () => chunk))
  const asked = client.request({ method: 'POST', url: 'https://a/', body })
  const job = await api.jobs.next()
  expect(job.request.bodyBytes).toBeUndefined()
  expect((await job.body()).length).toBe(300 * chunk.length)
  job.head(200)
  job.pour(Array.from({ length: 300 }, () => chunk))
  expect((await buffer((await asked).body)).length).toBe(300 * chunk.length)
})

it('is told why not', async () => {
  const { api, client } = await start()
  const asked = client.request({ url: 'https://a/' })
  ;(await api.jobs.next()).sink.onFailed(new ServiceError('QUEUE_FULL', undefined, { retryMs: 1500 }))
  await expect(asked).rejects.toMatchObject({ code: 'QUEUE_FULL', status: 503, retryMs: 2000 })
  await expect(client.request({ url: 'ftp://a/' })).rejects.toMatchObject({ code: 'SCHEME_UNSUPPORTED' })
  const redirects = client.request({ url: 'http://a/', redirects: 50 })
  await expect(redirects).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: expect.stringContaining('at most 5'),
  })
})

it('is told that it has to sign in', async () => {
  const { client } = await start({})
  await expect(client.request({ url: 'https://a/' })).rejects.toMatchObject({
    code: 'AUTH_REQUIRED',
    status: 401,
  })
})

it('sees that an answer was cut', async () => {
  const { api, client } = await start()
  const asked = client.request({ url: 'https://a/' })
  const job = await api.jobs.next()
  job.head(200)
  job.sink.onData(Buffer.from('part'))
  const { body } = await asked
  job.sink.onFailed(new ServiceError('TARGET_RESET'))
  await expect(text(body)).rejects.toMatchObject({ code: 'RESPONSE_CUT' })
})

it('takes its request along when it leaves', async () => {
  const { api, client } = await start()
  const abort = new AbortController()
  const asked = client.request({ url: 'https://a/', signal: abort.signal })
  const job = await api.jobs.next()
  abort.abort()
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
  expect(await job.cancelled).toBeInstanceOf(Error)
})
