import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { CERTIFICATE, CERTIFICATE_KEY } from '@sluice/net/testing'
import { encodePreamble } from '@sluice/wire'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { HttpsProxyClient, type HttpsProxyClientOptions } from './index.ts'
import { type Answer, complain, type FakeServer, fakeServer, say } from './testing/fake-server.ts'

const TLS = { cert: CERTIFICATE, key: CERTIFICATE_KEY }
const left: (AsyncDisposable | Disposable)[] = []

afterEach(async () => {
  for (const each of left.splice(0).toReversed()) {
    if (Symbol.asyncDispose in each) await each[Symbol.asyncDispose]()
    else each[Symbol.dispose]()
  }
})

const serve = async (answer: Answer, tls?: typeof TLS): Promise<FakeServer> => {
  const server = await fakeServer(answer, tls)
  left.push(server)
  return server
}
const open = (server: string, options: Partial<HttpsProxyClientOptions> = {}): HttpsProxyClient => {
  const client = new HttpsProxyClient({ server, ...options })
  left.push(client)
  return client
}

describe.each([
  ['TCP', undefined],
  ['TLS', TLS],
])('over %s', (_, tls) => {
  const start = async (answer: Answer) => {
    const server = await serve(answer, tls)
    const url = tls === undefined ? server.at : `https://localhost:${server.port}/`
    return { server, client: open(url, { ca: CERTIFICATE }) }
  }

  it('has a request made, and gives the answer as it came', async () => {
    const headers = [
      ['Set-Cookie', 'a'],
      ['set-cookie', 'b'],
    ] as const
    const { server, client } = await start((_got, reply) =>
      say(reply, { status: 404, headers, url: 'https://b/', cached: true }, 'hello', [['X-Sum', '1']]),
    )
    const sent = { method: 'PUT', url: new URL('https://a/?q'), headers: { A: 'b' }, redirects: 2 }
    const response = await client.request({ ...sent, priority: 'low', body: Buffer.of(0, 255) })
    expect(response).toMatchObject({ status: 404, headers, url: 'https://b/', cached: true, id: 'id-1' })
    expect(await text(response.body)).toBe('hello')
    expect(response.trailers()).toEqual([['X-Sum', '1']])
    expect(server.all).toMatchObject([
      {
        method: 'POST',
        path: '/v1/requests',
        preamble: {
          method: 'PUT',
          url: 'https://a/?q',
          headers: [['A', 'b']],
          redirects: 2,
          priority: 'low',
        },
        body: Buffer.of(0, 255),
      },
    ])
    expect(server.all[0]!.headers['content-type']).toBe('application/vnd.sluice.request')
  })

  it('needs no more than a URL', async () => {
    const { server, client } = await start((_got, reply) => say(reply, { status: 204 }))
    const response = await client.request({ url: 'http://a/' })
    expect(await text(response.body)).toBe('')
    expect(response.trailers()).toEqual([])
    expect(server.all).toMatchObject([{ preamble: { url: 'http://a/', headers: [] }, body: Buffer.of() }])
  })

  it('streams both ways', async () => {
    const { server, client } = await start((got, reply) => say(reply, {}, got.body))
    const chunk = Buffer.alloc(100_000, 7)
    const stream = () => Readable.from(Array.from({ length: 50 }, () => chunk))
    const response = await client.request({ url: 'http://a/', method: 'POST', body: stream() })
    expect((await buffer(response.body)).equals(Buffer.alloc(5_000_000, 7))).toBe(true)
    const sized = await client.request({ url: 'http://a/', body: stream(), bodyBytes: 5_000_000 })
    expect(await buffer(sized.body)).toHaveLength(5_000_000)
    expect(server.all[0]!.headers['content-length']).toBeUndefined()
    expect(Number(server.all[1]!.headers['content-length'])).toBeGreaterThan(5_000_000)
  })

  it('keeps its connection for the next request', async () => {
    const { server, client } = await start((_got, reply) => say(reply, {}, 'x'))
    for (let n = 0; n < 9; n++)
      expect(await text((await client.request({ url: 'http://a/' })).body)).toBe('x')
    // One may still be taken for busy when the next request comes.
    expect(server.conns).toBeLessThan(3)
  })

  it('tells why the server did not serve', async () => {
    const { client } = await start((_got, reply) =>
      complain(reply, 429, { code: 'REQUEST_LIMIT', text: 'Too many.', limit: 'requests', retryAfter: 3 }),
    )
    await expect(client.request({ url: 'http://a/' })).rejects.toMatchObject({
      name: 'HttpsProxyError',
      code: 'REQUEST_LIMIT',
      message: 'Too many.',
      status: 429,
      limit: 'requests',
      retryMs: 3000,
    })
  })

  it('tells that an answer broke off', async () => {
    const { client } = await start((_got, reply) => {
      reply.writeHead(200, { 'Content-Type': 'application/vnd.sluice.response' })
      reply.write(
        encodePreamble(JSON.stringify({ status: 200, headers: [], url: 'http://a/', cached: false })),
      )
      reply.write('part')
      setImmediate(() => reply.destroy())
    })
    const { body } = await client.request({ url: 'http://a/' })
    await expect(text(body)).rejects.toMatchObject({ code: 'RESPONSE_CUT' })
  })

  it('gives up when it is told to, before the answer and within it', async () => {
    const { server, client } = await start((got, reply) => {
      if (got.body.length === 0) return
      reply.writeHead(200, { 'Content-Type': 'application/vnd.sluice.response' })
      reply.write(
        encodePreamble(JSON.stringify({ status: 200, headers: [], url: 'http://a/', cached: false })),
      )
    })
    const early = new AbortController()
    const waiting = client.request({ url: 'http://a/', signal: early.signal })
    await vi.waitUntil(() => server.all.length === 1)
    const reason = new Error('enough')
    early.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    const late = new AbortController()
    const { body } = await client.request({ url: 'http://a/', body: 'x', signal: late.signal })
    late.abort()
    await expect(text(body)).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('fails as the body fails that it is given', async () => {
    const { client } = await start(() => {})
    const error = new Error('the disk')
    const body = Readable.from(
      (async function* () {
        yield Buffer.of(1)
        throw error
      })(),
    )
    await expect(client.request({ url: 'http://a/', body })).rejects.toBe(error)
  })
})

it('signs in by name and password, or by a token', async () => {
  const server = await serve((_got, reply) => say(reply, {}))
  const login = async (options: Partial<HttpsProxyClientOptions>): Promise<unknown> => {
    ;(await open(server.at, options).request({ url: 'http://a/' })).body.resume()
    return server.all.at(-1)!.headers['authorization']
  }
  expect(await login({ user: 'ada', password: 'p:w' })).toBe(`Basic ${btoa('ada:p:w')}`)
  expect(await login({ token: 'abc' })).toBe('Bearer abc')
  expect(await login({})).toBeUndefined()
})

describe('a server', () => {
  it('that is not there is SERVER_UNREACHABLE', async () => {
    await expect(open('127.0.0.1:1').request({ url: 'http://a/' })).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: '127.0.0.1:1: ECONNREFUSED',
    })
  })

  it('whose certificate is not to be trusted is SERVER_UNTRUSTED', async () => {
    const { port } = await serve(() => {}, TLS)
    await expect(open(`https://localhost:${port}`).request({ url: 'http://a/' })).rejects.toMatchObject({
      code: 'SERVER_UNTRUSTED',
    })
  })

  it('that leaves before it answers is SERVER_UNREACHABLE', async () => {
    const { at } = await serve((_got, reply) => void reply.destroy())
    await expect(open(at).request({ url: 'http://a/' })).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' })
  })

  it.each([
    ['another page', 200, 'text/html', '<p>'],
    ['another error', 502, 'text/html', '<p>'],
    ['an error without code', 400, 'application/json', '{"text":"x"}'],
    ['an endless error', 400, 'application/json', ' '.repeat(100_000)],
    ['no preamble', 200, 'application/vnd.sluice.response', '\0\0\0\0'],
    ['another preamble', 200, 'application/vnd.sluice.response', '\0\0\0\u{2}{}'],
  ])('that has %s is none', async (_, status, type, body) => {
    const { at } = await serve(
      (_got, reply) => void reply.writeHead(status, { 'Content-Type': type }).end(body),
    )
    await expect(open(at).request({ url: 'http://a/' })).rejects.toMatchObject({
      code: 'SERVER_ANSWER_INVALID',
    })
  })

  it('that ends within its preamble has cut it', async () => {
    const { at } = await serve((_got, reply) => {
      reply.writeHead(200, { 'Content-Type': 'application/vnd.sluice.response' }).end('\0\0')
    })
    await expect(open(at).request({ url: 'http://a/' })).rejects.toMatchObject({ code: 'RESPONSE_CUT' })
  })

  it('that sends its preamble in pieces is understood', async () => {
    const { at } = await serve((_got, reply) => {
      const words = encodePreamble(JSON.stringify({ status: 200, headers: [], url: 'http://a/' }))
      reply.writeHead(200, { 'Content-Type': 'application/vnd.sluice.response' })
      const pieces = [...words.map((_byte, at) => at)].map((at) => words.subarray(at, at + 1))
      const next = (): void => {
        const piece = pieces.shift()
        if (piece === undefined) reply.end('body')
        else reply.write(piece, () => setImmediate(next))
      }
      next()
    })
    const response = await open(at).request({ url: 'http://a/' })
    expect([response.cached, await text(response.body)]).toEqual([false, 'body'])
  })

  it('may answer before it has the body', async () => {
    const server = createServer((_message, reply) => {
      complain(reply, 413, { code: 'REQUEST_TOO_LARGE', text: 'Too large.' })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    left.push({ [Symbol.dispose]: () => server.close().closeAllConnections() })
    const { port } = server.address() as AddressInfo
    let size = 0
    const body = new Readable({
      read() {
        size += 65_536
        this.push(size > 50_000_000 ? null : Buffer.alloc(65_536))
      },
    })
    const asked = open(`127.0.0.1:${port}`).request({ url: 'http://a/', method: 'POST', body })
    await expect(asked).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' })
    expect(body.destroyed).toBe(true)
  })
})

it.each(['', 'localhost', 'ftp://a:1', 'http://a:1/path', 'a:b:c'])('%j is no server', (server) => {
  expect(() => open(server)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
})

it.each([
  ['a name with a colon', () => open('a:1', { user: 'a:b' })],
  ['too many headers', () => open('a:1').request({ url: 'http://a/', headers: { a: 'x'.repeat(70_000) } })],
])('%s cannot be sent', async (_, act) => {
  await expect((async () => act())()).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
})
