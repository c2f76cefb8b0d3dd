import { ServiceError } from '@sluice/service'
import { encodePreamble } from '@sluice/wire'
import { type Dispatcher, request } from 'undici'
import { describe, expect, it } from 'vitest'
import { HeldBytes } from '../held-bytes.ts'
import { BASIC, openTestApi, type TestApi, TOKEN } from './testing/test-api.ts'

const STREAM = 'application/vnd.sluice.request'

type Answer = Dispatcher.ResponseData

const post = (
  api: TestApi,
  type: string,
  body: Uint8Array | string | AsyncIterable<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  request(`${api.url}/v1/requests`, {
    method: 'POST',
    body: (typeof body === 'object' && Symbol.asyncIterator in body ? body : Buffer.from(body)) as never,
    headers: { authorization: BASIC, 'content-type': type, ...headers },
  })

const framed = (preamble: object, body = ''): Buffer =>
  Buffer.concat([encodePreamble(JSON.stringify(preamble)), Buffer.from(body)])

const unframed = (bytes: Buffer): { preamble: unknown; body: string } => {
  const size = bytes.readUInt32BE()
  return {
    preamble: JSON.parse(bytes.toString('utf8', 4, 4 + size)),
    body: bytes.toString('utf8', 4 + size),
  }
}

describe('a streamed request', () => {
  it('becomes a job with all that it says, and the answer of the target comes behind a preamble', async () => {
    await using api = await openTestApi()
    const asked = {
      method: 'PUT',
      url: 'https://example.com/a?b=c#d',
      headers: [
        ['X-A', '1'],
        ['x-a', 'é'],
        ['Host', 'other'],
      ],
      redirects: 2,
      priority: 'high',
    }
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const more = { 'sluice-request-id': 'mine-1', traceparent: trace }
    const answering = post(api, STREAM, framed(asked, 'body'), more)
    const job = await api.jobs.next()
    expect(await job.body()).toEqual(Buffer.from('body'))
    expect(job.request).toMatchObject({
      method: 'PUT',
      fields: [
        ['X-A', '1'],
        ['x-a', 'é'],
      ],
      bodyBytes: 4,
      redirects: 2,
      priority: 0,
      timing: 'stream',
      trace,
      id: 'mine-1',
    })
    expect(job.request.url.href).toBe('https://example.com/a?b=c')
    expect(job.request.caller.account.name).toBe('ada')
    const fields = [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ] as const
    job.answer(404, fields, 'not here', [['X-Sum', '7']])
    const answer = await answering
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.sluice.response',
      'sluice-request-id': 'mine-1',
    })
    expect(unframed(Buffer.from(await answer.body.arrayBuffer()))).toEqual({
      preamble: { status: 404, headers: fields, url: 'https://example.com/a?b=c', cached: false },
      body: 'not here',
    })
    const trailers = Buffer.from(String(answer.trailers['sluice-target-trailers']), 'base64').toString()
    expect(JSON.parse(trailers)).toEqual([['X-Sum', '7']])
    expect(await api.line('request.end')).toMatchObject({
      id: 'mine-1',
      user: 'ada',
      method: 'PUT',
      host: 'example.com',
      path: '/a',
      status: 404,
      code: 'OK',
      up: 4,
      down: 8,
    })
  })

  it('has its answer in one piece where all of it comes at once, and else as it comes', async () => {
    await using api = await openTestApi()
    const asked = framed({ url: 'http://example.com/' })
    const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, at) => at))
    const fields = [['Content-Type', 'image/x']] as const
    const whole = post(api, STREAM, asked)
    const short = await api.jobs.next()
    short.head(200, fields)
    short.pour([bytes, bytes])
    const { headers, body } = await whole
    const all = Buffer.from(await body.arrayBuffer())
    expect(headers).toMatchObject({ 'content-length': String(all.length) })
    expect(headers).not.toHaveProperty('transfer-encoding')
    expect(all.subarray(-512)).toEqual(Buffer.concat([bytes, bytes]))
    const streamed = post(api, STREAM, asked)
    const slow = await api.jobs.next()
    slow.head(200, fields)
    const answer = await streamed
    expect(answer.headers).toMatchObject({ 'transfer-encoding': 'chunked' })
    slow.pour([bytes])
    expect(Buffer.from(await answer.body.arrayBuffer()).subarray(-256)).toEqual(bytes)
  })

  it('has a long answer that comes at once without loss', async () => {
    await using api = await openTestApi()
    const answering = post(api, STREAM, framed({ url: 'http://example.com/' }))
    const job = await api.jobs.next()
    job.head(200)
    job.pour(Array.from({ length: 50 }, (_, at) => Buffer.alloc(1000, at)))
    const { body } = await answering
    const all = Buffer.from(await body.arrayBuffer())
    const sent = Buffer.concat(Array.from({ length: 50 }, (_, at) => Buffer.alloc(1000, at)))
    expect(all.subarray(-50_000)).toEqual(sent)
  })

  it('that fails before any of its answer went out is told why', async () => {
    await using api = await openTestApi()
    const answering = post(api, STREAM, framed({ url: 'http://example.com/' }))
    const job = await api.jobs.next()
    job.head(200)
    job.sink.onData(Buffer.from('x'))
    job.sink.onFailed(new ServiceError('RESPONSE_TOO_LARGE'))
    const { statusCode, body } = await answering
    expect([statusCode, await body.json()]).toMatchObject([502, { code: 'RESPONSE_TOO_LARGE' }])
  })

  it('has no body where nothing is behind its preamble, be its length known or not', async () => {
    await using api = await openTestApi()
    const preamble = framed({ url: 'http://example.com/' })
    async function* dripped(): AsyncGenerator<Uint8Array> {
      for (const byte of preamble) yield Uint8Array.of(byte)
    }
    for (const body of [preamble, dripped()]) {
      const answering = post(api, STREAM, body)
      const job = await api.jobs.next()
      expect(job.request).toMatchObject({ method: 'GET', body: undefined, bodyBytes: undefined, priority: 1 })
      job.answer(204)
      const { body: bytes } = await answering
      expect(unframed(Buffer.from(await bytes.arrayBuffer()))).toMatchObject({ body: '' })
    }
  })

  it('is cut in its preamble and body anywhere', async () => {
    await using api = await openTestApi()
    const bytes = framed({ url: 'http://example.com/', method: 'GET' }, 'tail')
    for (let at = 1; at < bytes.length; at += 7) {
      const parts = [bytes.subarray(0, at), bytes.subarray(at)]
      async function* chunks(): AsyncGenerator<Uint8Array> {
        yield* parts
      }
      const answering = post(api, STREAM, chunks())
      const job = await api.jobs.next()
      expect((await job.body()).toString()).toBe('tail')
      job.answer(200)
      await (await answering).body.dump()
    }
  })

  it('goes up and down as fast as both ends take it, with nothing held', async () => {
    await using api = await openTestApi()
    const size = 64 * 1024 * 1024
    const chunk = Buffer.alloc(64 * 1024, 7)
    async function* upload(): AsyncGenerator<Uint8Array> {
      yield framed({ method: 'POST', url: 'http://example.com/' })
      for (let sent = 0; sent < size; sent += chunk.length) yield chunk
    }
    function* download(): Generator<Uint8Array> {
      for (let sent = 0; sent < size; sent += chunk.length) yield chunk
    }
    const answering = post(api, STREAM, upload())
    const job = await api.jobs.next()
    let up = 0
    for await (const piece of job.request.body as AsyncIterable<Uint8Array>) up += piece.length
    expect(up).toBe(size)
    job.head(200)
    job.pour(download())
    let down = -4
    for await (const piece of (await answering).body) down += (piece as Uint8Array).length
    expect(down).toBeGreaterThan(size)
    expect(job.resumed).toBeGreaterThan(10)
    expect(await api.line('request.end')).toMatchObject({ up: size, down: size })
  })

  it('that fails behind its head is broken off', async () => {
    await using api = await openTestApi()
    const answering = post(api, STREAM, framed({ url: 'http://example.com/' }))
    const job = await api.jobs.next()
    job.head(200)
    job.sink.onData(Buffer.from('some'))
    const answer = await answering
    job.sink.onFailed(Object.assign(new Error('gone'), { code: 'TARGET_RESET' }))
    await expect(answer.body.text()).rejects.toThrow('ECONNRESET')
    expect(await api.line('request.end')).toMatchObject({ status: 200, code: 'TARGET_RESET' })
  })

  it.each([
    ['not JSON', '{', 'not JSON'],
    ['an unknown key', '{"url":"http://a/","header":[]}', '"header" is not known; headers?'],
    ['no URL', '{}', 'url: '],
    ['another scheme', '{"url":"ftp://a/"}', 'url: neither http nor https'],
    ['a relative URL', '{"url":"/a"}', 'url: not an absolute URL'],
    ['credentials in the URL', '{"url":"http://u:p@a/"}', 'url: credentials'],
    ['a method that is none', '{"url":"http://a/","method":"G T"}', 'method: '],
    ['CONNECT', '{"url":"http://a/","method":"CONNECT"}', 'method: CONNECT'],
    ['a header of two lines', '{"url":"http://a/","headers":[["a","b\\r\\nc"]]}', 'headers.0.1: '],
    ['too many redirects', '{"url":"http://a/","redirects":6}', 'redirects: at most 5'],
    ['an unknown priority', '{"url":"http://a/","priority":"urgent"}', 'priority: '],
  ])('is refused for %s, in words', async (_, text, detail) => {
    await using api = await openTestApi()
    const { statusCode, headers, body } = await post(api, STREAM, encodePreamble(text))
    expect([400, 501]).toContain(statusCode)
    const problem = (await body.json()) as { code: string; detail: string }
    expect(problem.detail).toContain(detail)
    expect(headers['sluice-code']).toBe(problem.code)
    expect(headers['sluice-request-id']).toMatch(/^[\w-]+$/)
    expect(api.jobs.all).toEqual([])
  })

  it('has to be whole within its time', async () => {
    await using api = await openTestApi({ bodyMs: 1 })
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(0, 0)
      await new Promise(() => {})
    }
    const { statusCode } = await post(api, STREAM, silent())
    expect(statusCode).toBe(408)
  })

  it('may be as large as the door says', async () => {
    await using api = await openTestApi({ maxRequestBytes: 100 })
    const preamble = { method: 'POST', url: 'http://example.com/' }
    expect((await post(api, STREAM, framed(preamble, 'x'.repeat(101)))).statusCode).toBe(413)
    async function* chunked(): AsyncGenerator<Uint8Array> {
      yield framed(preamble, 'x'.repeat(99))
      yield Buffer.from('xx')
    }
    const answering = post(api, STREAM, chunked())
    const job = await api.jobs.next()
    const failure = await job.body().then(
      () => undefined,
      (error: Error) => error,
    )
    expect(failure).toMatchObject({ code: 'REQUEST_TOO_LARGE' })
    job.sink.onFailed(failure!)
    expect((await answering).statusCode).toBe(413)
  })
})

describe('a request in JSON', () => {
  it('has its answer in JSON, bodies in base64', async () => {
    await using api = await openTestApi()
    const body = Buffer.from([0, 255, 10])
    const asked = { method: 'POST', url: 'http://example.com/', body: body.toString('base64') }
    const answering = post(api, 'application/json; charset=utf-8', JSON.stringify(asked))
    const job = await api.jobs.next()
    expect(await job.body()).toEqual(body)
    expect(job.request).toMatchObject({ bodyBytes: 3, timing: 'whole' })
    job.head(200, [['A', 'b']])
    job.pour([Buffer.from([1]), Buffer.from([254])], [['T', 'u']])
    const answer = await answering
    expect(answer.headers['content-type']).toBe('application/json')
    expect(await answer.body.json()).toEqual({
      status: 200,
      headers: [['A', 'b']],
      url: 'http://example.com/',
      cached: false,
      body: Buffer.from([1, 254]).toString('base64'),
      trailers: [['T', 'u']],
    })
    expect(await api.line('request.end')).toMatchObject({ up: 3, down: 2, code: 'OK' })
  })

  it('is bounded both ways', async () => {
    await using api = await openTestApi({ jsonBytes: { up: 10, down: 10 } })
    const large = { url: 'http://a/', body: Buffer.alloc(11).toString('base64') }
    expect((await post(api, 'application/json', JSON.stringify(large))).statusCode).toBe(413)
    expect((await post(api, 'application/json', ' '.repeat(128 * 1024))).statusCode).toBe(413)
    const answering = post(api, 'application/json', JSON.stringify({ url: 'http://a/' }))
    const job = await api.jobs.next()
    job.answer(200, [], 'x'.repeat(11))
    const answer = await answering
    expect(answer.statusCode).toBe(502)
    expect(await answer.body.json()).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect(await job.cancelled).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
  })

  it('is refused where all of them take all the memory that they may', async () => {
    const held = new HeldBytes(3000)
    await using api = await openTestApi({ held })
    const asked = { url: 'http://a/', body: Buffer.alloc(1000).toString('base64') }
    const answering = post(api, 'application/json', JSON.stringify(asked))
    const job = await api.jobs.next()
    expect(held.bytes).toBeGreaterThan(1334)
    const { statusCode, body } = await post(api, 'application/json', ' '.repeat(2000))
    expect([statusCode, await body.json()]).toEqual([503, expect.objectContaining({ code: 'OVERLOADED' })])
    job.answer(200, [], 'x'.repeat(2000))
    expect((await answering).statusCode).toBe(503)
    const small = post(api, 'application/json', JSON.stringify(asked))
    ;(await api.jobs.next()).answer(200, [], 'x'.repeat(1000))
    await (await small).body.text()
    await expect.poll(() => held.bytes).toBe(0)
  })

  it('is refused for base64 that is none', async () => {
    await using api = await openTestApi()
    const asked = JSON.stringify({ url: 'http://a/', body: '%%' })
    expect((await post(api, 'application/json', asked)).statusCode).toBe(400)
  })
})

describe('a job that fails before its head', () => {
  it('is told with its status, its limit and when to come again', async () => {
    await using api = await openTestApi()
    const { ServiceError } = await import('@sluice/service')
    const answering = post(api, STREAM, framed({ url: 'http://example.com/' }))
    const job = await api.jobs.next()
    job.sink.onFailed(new ServiceError('REQUEST_LIMIT', 'secret', { retryMs: 1500 }))
    const { statusCode, headers, body } = await answering
    expect(statusCode).toBe(429)
    expect(headers).toMatchObject({
      'retry-after': '2',
      'sluice-limit': 'requests',
      'sluice-code': 'REQUEST_LIMIT',
    })
    expect(await body.json()).toEqual({
      code: 'REQUEST_LIMIT',
      text: 'The user has as many requests as allowed.',
      limit: 'requests',
      retryAfter: 2,
    })
  })

  it('with a bug of ours is told as such, and no more', async () => {
    await using api = await openTestApi()
    api.jobs.onJob = () => {
      throw new Error('a bug')
    }
    const { statusCode, body } = await post(api, STREAM, framed({ url: 'http://example.com/' }))
    expect(statusCode).toBe(500)
    expect(await body.text()).not.toContain('a bug')
    expect(await api.line('request.failed')).toMatchObject({ err: { message: 'a bug' } })
  })
})

describe('routes', () => {
  const get = (api: TestApi, path: string, method: 'GET' | 'HEAD' | 'PUT' = 'GET'): Promise<Answer> =>
    request(`${api.url}${path}`, { method, headers: { authorization: `Bearer ${TOKEN}` } })

  it('tell what this is, and what of the queue is the caller’s', async () => {
    await using api = await openTestApi()
    expect(await (await get(api, '/')).body.text()).toContain('POST /v1/requests')
    expect(await (await get(api, '/v1/queue?x')).body.json()).toEqual({ user: 'ada', waiting: 0 })
  })

  it('answer HEAD as GET, without a body', async () => {
    await using api = await openTestApi()
    const { statusCode, headers, body } = await get(api, '/v1/openapi.json', 'HEAD')
    expect([statusCode, await body.text()]).toEqual([200, ''])
    expect(Number(headers['content-length'])).toBeGreaterThan(1000)
  })

  it('are told from those that do not exist, and from methods that they do not have', async () => {
    await using api = await openTestApi()
    expect((await get(api, '/v2')).statusCode).toBe(404)
    expect((await get(api, '/constructor')).statusCode).toBe(404)
    const { statusCode, headers } = await get(api, '/v1/queue', 'PUT')
    expect([statusCode, headers['allow']]).toEqual([405, 'GET, HEAD'])
    expect((await get(api, '/v1/requests')).headers['allow']).toBe('POST')
    const bearer = { authorization: `Bearer ${TOKEN}` }
    expect((await post(api, 'text/plain', 'x', bearer)).statusCode).toBe(415)
  })
})
