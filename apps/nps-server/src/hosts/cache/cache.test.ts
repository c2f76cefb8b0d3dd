import { createHash } from 'node:crypto'
import { get as ask, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { blocks, hashOf, MIB, Origins } from '../testing/origin.ts'
import { heard, TestHosts } from '../testing/test-hosts.ts'

let hosts: TestHosts
const origins = new Origins()
/** How often targets were asked. */
let asked = 0

beforeAll(async () => {
  hosts = await TestHosts.open()
})
afterAll(() => hosts[Symbol.asyncDispose]())
afterEach(async () => {
  vi.useRealTimers()
  asked = 0
  await hosts.reset()
  origins.close()
  if (hosts.journal.lines.join('').includes('INTERNAL')) throw new Error(hosts.journal.lines.join(''))
})

type Headers = Record<string, string | string[]>

/** A host whose target answers with these, and how often it was asked. */
const site = async (headers: Headers, fields: object = {}): Promise<ReturnType<TestHosts['addHost']>> => {
  const target = await origins.serve((visitor, reply) => {
    asked += 1
    visitor.resume()
    for (const [name, value] of Object.entries(headers)) reply.setHeader(name, value)
    reply.end(`${asked}`)
  })
  return hosts.addHost({ host: 'a.example', targets: [target], cacheBytes: MIB, ...fields })
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const visit = async (path = '/', headers: OutgoingHttpHeaders = {}, method = 'GET'): Promise<Answer> => {
  const options = { host: '127.0.0.1', port: hosts.port, path, method, agent: false as const }
  const sent = request({ ...options, headers: { host: 'a.example', ...headers } }).end()
  sent.on('error', () => {})
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const body = Buffer.concat(await answer.toArray()).toString()
  return { status: answer.statusCode!, headers: answer.headers, body }
}

/** What the first and the second visitor get. */
const twice = async (...how: Parameters<typeof visit>): Promise<string[]> => [
  (await visit(...how)).body,
  (await visit(...how)).body,
]

const FRESH = { 'cache-control': 'max-age=60' }
const OLD = { 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' }

describe('an answer is given to others', () => {
  test.each<[string, Headers, string]>([
    ['that says for how long', FRESH, '/'],
    ['for as long as shared caches may', { 'cache-control': 'max-age=0, S-MaxAge=60' }, '/'],
    ['that has a date of expiry', { expires: new Date(Date.now() + 60_000).toUTCString() }, '/'],
    ['that is not to be given when it is stale', { 'cache-control': 'max-age=60, must-revalidate' }, '/'],
    ['that is of a kind that seldom changes, and has not for long', OLD, '/a/b.CSS?v=1'],
    ['that differs by coding', { ...FRESH, vary: 'Accept-Encoding' }, '/'],
  ])('%s', async (_, headers, path) => {
    await site(headers)
    expect(await twice(path)).toEqual(['1', '1'])
  })

  test('with its fields and how old it is, and another one when it is no longer fresh', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    await site({ ...FRESH, 'content-type': 'text/css', etag: '"a"', connection: 'x-hop', 'x-hop': '1' })
    const first = await visit()
    vi.setSystemTime(Date.now() + 59_000)
    const { headers, body } = await visit()
    expect(body).toBe('1')
    expect(headers).toMatchObject({
      age: '59',
      'content-type': 'text/css',
      etag: '"a"',
      'content-length': '1',
    })
    expect(headers.date).toBe(first.headers.date)
    expect(headers).not.toHaveProperty('x-hop')
    vi.setSystemTime(Date.now() + 2000)
    expect((await visit()).body).toBe('2')
  })

  test('for ten minutes at the most where it does not say for how long', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    await site(OLD)
    expect((await visit('/x.png')).body).toBe('1')
    vi.setSystemTime(Date.now() + 599_000)
    expect((await visit('/x.png')).body).toBe('1')
    vi.setSystemTime(Date.now() + 2000)
    expect((await visit('/x.png')).body).toBe('2')
  })

  test('to who asks for its head, and not the other way round', async () => {
    await site(FRESH)
    expect((await visit('/', {}, 'HEAD')).body).toBe('')
    expect((await visit()).body).toBe('2')
    const { headers, body } = await visit('/', {}, 'HEAD')
    expect(headers).toMatchObject({ age: '0', 'content-length': '1' })
    expect([body, asked]).toEqual(['', 2])
  })

  test('with 304 to who has it already', async () => {
    await site({ ...FRESH, ...OLD, etag: 'W/"a"', 'content-type': 'text/css' })
    await visit()
    for (const known of [
      { 'if-none-match': '"b", "a"' },
      { 'if-none-match': '*' },
      { 'if-modified-since': OLD['last-modified'] },
    ]) {
      const { status, headers, body } = await visit('/', known)
      expect([status, body, headers.etag, headers['content-type']]).toEqual([304, '', 'W/"a"', undefined])
    }
    for (const other of [{ 'if-none-match': '"b"' }, { 'if-modified-since': 'x' }])
      expect((await visit('/', other)).status).toBe(200)
    expect(asked).toBe(1)
  })

  test.each([{}, { down: 8 * MIB }])('as large as it is, by the limits of its host: %j', async (limits) => {
    const target = await origins.serve((_, reply) => {
      asked += 1
      reply.setHeader('cache-control', 'max-age=60')
      for (const block of blocks(500_000)) reply.write(block)
      reply.end()
    })
    const { live } = hosts.addHost({ host: 'a.example', targets: [target], cacheBytes: MIB, limits })
    const wanted = createHash('sha256')
      .update(Buffer.concat([...blocks(500_000)]))
      .digest('hex')
    for (let round = 1; round < 4; round += 1) {
      const sent = ask({ host: '127.0.0.1', port: hosts.port, headers: { host: 'a.example' }, agent: false })
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      expect(await hashOf(answer)).toBe(wanted)
      expect(live.account.flow.down).toBeGreaterThan(round * 500_000)
    }
    expect(asked).toBe(1)
  })

  test('within a connection that goes on', async () => {
    await site(FRESH)
    const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'
    const visitor = await hosts.visitor(get)
    await heard(visitor, '\r\n\r\n1')
    visitor.send(
      Buffer.from(
        get + get.replace('/ ', '/other ') + get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      ),
    )
    const bodies = (await visitor.rest()).toString().match(/(?<=\r\n\r\n)\d/g)
    expect(bodies).toEqual(['1', '1', '2', '1'])
  })
})

describe('an answer is given to nobody else', () => {
  test.each<[string, Headers, string?]>([
    ['that is private', { 'cache-control': 'Private, max-age=60' }],
    ['that is not to be stored', { 'cache-control': 'max-age=60, No-Store' }],
    ['that has to be asked for each time', { 'cache-control': 'max-age=60, no-cache' }],
    ['that sets a cookie', { 'cache-control': 'public, max-age=60', 'set-cookie': 'a=b' }],
    ['that differs by language', { ...FRESH, vary: 'Accept-Encoding, Accept-Language' }],
    ['that differs by anything', { ...FRESH, vary: '*' }],
    ['that says nothing', {}],
    ['that says nothing and is no file', OLD],
    ['that is a file and says nothing', {}, '/x.css'],
    ['that is stale already', { ...FRESH, age: '61' }],
  ])('%s', async (_, headers, path = '/') => {
    await site(headers)
    expect(await twice(path)).toEqual(['1', '2'])
  })

  test.each<[string, OutgoingHttpHeaders, string?]>([
    ['who bring a password', { authorization: 'Basic eDp5' }],
    ['who want a part', { range: 'bytes=0-0' }],
    ['who want it anew', { 'cache-control': 'no-cache' }],
    ['who want it anew in an older way', { pragma: 'no-cache' }],
    ['who ask on a condition', { 'if-match': '"a"' }],
    ['whose requests do something', {}, 'POST'],
  ])('to visitors %s', async (_, headers, method) => {
    await site(FRESH)
    await visit()
    expect((await visit('/', headers, method)).body).toBe('2')
  })

  test('where a file was not said to be for all, to visitors with a cookie, and not from them', async () => {
    await site(OLD)
    const cookie = { cookie: 'a=b' }
    expect(await twice('/x.css', cookie)).toEqual(['1', '2'])
    expect(await twice('/x.css')).toEqual(['3', '3'])
    expect((await visit('/x.css', cookie)).body).toBe('4')
  })

  test('who asks for it in another coding, at another host or another path', async () => {
    await site({ ...FRESH, vary: 'accept-encoding' }, { host: '*.example' })
    expect((await visit('/', { 'accept-encoding': 'gzip' })).body).toBe('1')
    expect((await visit('/', { 'accept-encoding': 'br' })).body).toBe('2')
    expect((await visit('/', { host: 'b.example', 'accept-encoding': 'br' })).body).toBe('3')
    expect((await visit('/?x', { 'accept-encoding': 'br' })).body).toBe('4')
  })

  test('once something was done there', async () => {
    await site(FRESH)
    expect(await twice()).toEqual(['1', '1'])
    await visit('/', {}, 'PUT')
    expect(await twice()).toEqual(['3', '3'])
  })

  test('once its host has changed', async () => {
    const { live } = await site(FRESH)
    expect(await twice()).toEqual(['1', '1'])
    hosts.registry.patch(live, { remark: 'x' })
    expect(await twice()).toEqual(['2', '2'])
  })

  test('of a host without a cache', async () => {
    await site(FRESH, { cacheBytes: undefined })
    expect(await twice()).toEqual(['1', '2'])
  })

  test('that is larger than the cache', async () => {
    await site(FRESH, { cacheBytes: 100 })
    expect(await twice()).toEqual(['1', '2'])
  })

  test('that broke off', async () => {
    const target = await origins.serve((_, reply) => {
      asked += 1
      reply.writeHead(200, { ...FRESH, 'content-length': '10' })
      reply.write('12345', () => reply.destroy())
    })
    hosts.addHost({ host: 'a.example', targets: [target], cacheBytes: MIB })
    await expect(visit()).rejects.toThrow('aborted')
    await expect(visit()).rejects.toThrow('aborted')
    expect(asked).toBe(2)
  })
})

describe('what is kept', () => {
  test('is asked for by password as ever, and then by nobody who has none', async () => {
    const { hashPassword } = await import('@sluice/userstore')
    const login = { name: 'me', hash: await hashPassword('secret') }
    await site(FRESH)
    const [client] = hosts.registry.clients.values()
    hosts.registry.patch(client!, { login })
    const authorization = `Basic ${btoa('me:secret')}`
    expect(await twice('/', { authorization })).toEqual(['1', '1'])
    expect((await visit()).status).toBe(401)
  })

  test('counts against a quota, and is cut there', async () => {
    const { live } = await site(FRESH, { limits: { quotaBytes: 1000 } })
    let status = 200
    for (let round = 0; round < 20 && status === 200; round += 1) {
      const answer = await visit().catch(() => undefined)
      status = answer?.status ?? 0
    }
    expect(status).not.toBe(200)
    expect(asked).toBe(1)
    expect(live.account.flow.up + live.account.flow.down).toBe(1000)
  })
})
