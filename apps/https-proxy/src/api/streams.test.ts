import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { once } from 'node:events'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { AddressPolicy, type Conn, createDial, createResolver } from '@sluice/net'
import { type Address, encodePreamble } from '@sluice/wire'
import { describe, expect, it } from 'vitest'
import { BASIC, openTestApi, type TestApi, TOKEN } from './testing/test-api.ts'

type Heads = Record<string, unknown>

/** A client of HTTP/2 without TLS, which knows that it is spoken. */
const open = (api: TestApi): ClientHttp2Session & Disposable => {
  const session = connect(api.url)
  session.on('error', () => {})
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() })
}

const ask = (session: ClientHttp2Session, headers: Record<string, string>): ClientHttp2Stream =>
  session.request({ authorization: BASIC, ...headers }, { endStream: headers[':method'] === undefined })

const headOf = async (stream: ClientHttp2Stream): Promise<Heads> => {
  const [headers] = (await once(stream, 'response')) as [Heads]
  return headers
}

const framed = (preamble: object, body = ''): Buffer =>
  Buffer.concat([encodePreamble(JSON.stringify(preamble)), Buffer.from(body)])

const POST = {
  ':method': 'POST',
  ':path': '/v1/requests',
  'content-type': 'application/vnd.sluice.request',
}

describe('over HTTP/2', () => {
  it('many requests go on one connection at once, each answered when its target answers', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const streams = ['1', '2', '3'].map((name) => {
      const stream = ask(session, { ...POST, 'sluice-request-id': name })
      stream.end(framed({ method: 'PUT', url: `https://a/${name}` }, `body ${name}`))
      return { stream, head: headOf(stream), trailers: once(stream, 'trailers') }
    })
    const jobs = [await api.jobs.next(), await api.jobs.next(), await api.jobs.next()]
    for (const job of jobs.toReversed()) {
      expect((await job.body()).toString()).toBe(`body ${job.request.id}`)
      const cookies = [
        ['Set-Cookie', 'a'],
        ['Set-Cookie', 'b'],
      ] as const
      job.answer(200, cookies, `answer ${job.request.id}`, [['X-Sum', '1']])
    }
    for (const [index, { stream, head, trailers }] of streams.entries()) {
      expect(await head).toMatchObject({ ':status': 200, 'sluice-request-id': `${index + 1}` })
      expect(await text(stream)).toContain(`["Set-Cookie","b"]],"url":"https://a/${index + 1}"`)
      const [{ 'sluice-target-trailers': value }] = (await trailers) as [Record<string, string>]
      expect(Buffer.from(value!, 'base64').toString()).toBe('[["X-Sum","1"]]')
    }
    expect([...api.directory.accounts()][0]!.flow.read()).toEqual({ up: 18, down: 24 })
  })

  it('a stream that fails behind its head is reset, and the others go on', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const [broken, whole] = ['/1', '/2'].map((path) =>
      ask(session, POST).end(framed({ url: `http://a${path}` })),
    ) as [ClientHttp2Stream, ClientHttp2Stream]
    broken.on('error', () => {})
    const [first, second] = [await api.jobs.next(), await api.jobs.next()]
    first.head(200)
    first.sink.onData(Buffer.from('not all of it'))
    await headOf(broken)
    const told: string[] = []
    for (const event of ['end', 'error']) broken.on(event, () => told.push(event))
    await once(broken, 'data')
    const closed = new Promise((resolve) => broken.once('close', resolve))
    first.sink.onFailed(new Error('broke'))
    await closed
    expect([broken.rstCode, told]).toEqual([constants.NGHTTP2_INTERNAL_ERROR, ['error']])
    second.answer(200, [], 'whole')
    expect(await text(whole)).toContain('whole')
  })

  it('a stream that its client resets takes its job with it', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const stream = ask(session, POST).end(framed({ url: 'http://a/' }))
    const job = await api.jobs.next()
    stream.close(constants.NGHTTP2_CANCEL)
    expect(await job.cancelled).toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(await api.line('request.end')).toMatchObject({ code: 'CLIENT_CLOSED', status: 0 })
  })

  it('a body counts in the queue with what may come of it while it waits', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const bytes: unknown[] = []
    for (const length of [10, 1_000_000]) {
      const preamble = framed({ method: 'PUT', url: 'http://a/' })
      ask(session, { ...POST, 'content-length': `${preamble.length + length}` }).write(preamble)
      bytes.push((await api.jobs.next()).request.waitingBytes)
    }
    expect(bytes).toEqual([10, 256 * 1024])
  })

  it('an answer that nobody reads holds up its own stream alone', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const slow = ask(session, POST).end(framed({ url: 'http://a/' }))
    const job = await api.jobs.next()
    job.head(200)
    const chunk = Buffer.alloc(16 * 1024)
    let sent = 0
    while (sent < 1000 && job.sink.onData(chunk)) sent += 1
    expect(sent).toBeLessThan(100)
    expect(await text(ask(session, { ':path': '/v1/queue' }))).toContain('"user":"ada"')
    job.pour([])
    expect((await text(slow)).length).toBeGreaterThan(sent * chunk.length)
  })

  it('is let in by its first request, asked again where that has no credentials', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const stranger = session.request({ ':path': '/' })
    const refused = await headOf(stranger)
    expect(refused).toMatchObject({
      ':status': 401,
      'sluice-code': 'AUTH_REQUIRED',
      'sluice-request-id': expect.any(String) as string,
    })
    expect(refused['www-authenticate']).toContain('Basic')
    stranger.resume()
    const known = session.request({ ':path': '/', authorization: `Bearer ${TOKEN}` })
    expect(await text(known)).toContain('POST /v1/requests')
    const other = await headOf(ask(session, { ':path': '/' }))
    expect(other[':status']).toBe(401)
  })

  it('with a wrong password it is told so, and ends', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const stream = session.request({ ':path': '/', authorization: `Basic ${btoa('ada:mule')}` })
    expect(await headOf(stream)).toMatchObject({ ':status': 401, 'sluice-code': 'AUTH_FAILED' })
    stream.resume()
    await once(session, 'close')
    expect(await api.line('session.end')).toMatchObject({ code: 'AUTH_FAILED' })
  })

  it('is told why where its user may not come in now', async () => {
    await using api = await openTestApi({ enabled: false })
    using session = open(api)
    const stream = ask(session, { ':path': '/' })
    expect(await headOf(stream)).toMatchObject({ ':status': 403, 'sluice-code': 'USER_DISABLED' })
  })

  it('asks for a body that is expected to be asked for', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const stream = ask(session, { ...POST, expect: '100-continue' })
    await once(stream, 'continue')
    stream.end(framed({ url: 'http://a/' }))
    const job = await api.jobs.next()
    job.answer(200, [], 'fine')
    expect(await text(stream)).toContain('fine')
  })

  it('need not read a request to its end to answer it', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const stream = ask(session, { ...POST, 'content-type': 'text/plain' })
    stream.on('error', () => {})
    stream.write('never ended')
    expect(await headOf(stream)).toMatchObject({ ':status': 415 })
    stream.resume()
    await once(stream, 'close')
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR)
  })

  it.each([
    ['is there, and nobody reads', true],
    ['does not end', false],
  ])('is idle once all is answered, although a body %s', async (_, isWhole) => {
    await using api = await openTestApi({ keepAliveMs: 600 })
    using session = open(api)
    const stream = ask(session, { ...POST, ':path': '/v1/none' })
    stream.on('error', () => {})
    stream.write('x'.repeat(1000))
    if (isWhole) stream.end()
    expect(await text(stream)).toContain('ROUTE_UNKNOWN')
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR)
    await once(session, 'close')
  })

  it('what is none of HTTP/2 is no bug of ours', async () => {
    await using api = await openTestApi()
    const { host, port } = api.address
    const wire: Socket = connectSocket({ host, port })
    const session = connect(api.url, { createConnection: () => wire })
    session.on('error', () => {})
    const stream = ask(session, { ':path': '/' }).on('error', () => {})
    expect(await headOf(stream)).toMatchObject({ ':status': 200 })
    // A window that grows by nothing (RFC 9113 §6.9).
    wire.write(Buffer.from('00000408000000000000000000', 'hex'))
    expect(await api.line('session.end')).toMatchObject({ code: 'HANDSHAKE_INVALID' })
  })

  it('a request for another scheme is one to a proxy', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const asked = {
      ':scheme': 'https',
      ':authority': 'example.com',
      ':path': '/a',
      'proxy-authorization': BASIC,
    }
    const stream = session.request(asked)
    const job = await api.jobs.next()
    expect(job.request.url.href).toBe('https://example.com/a')
    expect(job.request.fields).toEqual([['Via', '2.0 proxy.test']])
    job.answer(418, [], 'short')
    expect(await headOf(stream)).toMatchObject({ ':status': 418, via: '1.1 proxy.test' })
    expect(await text(stream)).toBe('short')
  })

  it('a stop lets its requests end', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const stream = ask(session, POST).end(framed({ url: 'http://a/' }))
    const job = await api.jobs.next()
    const goaway = once(session, 'goaway')
    const drained = api.sessions.drained()
    await goaway
    job.answer(200, [], 'done')
    expect(await text(stream)).toContain('done')
    await drained
    expect(await api.line('session.end')).toMatchObject({ code: 'OK' })
  })

  it('a stop for a reason tells it to all', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const stream = ask(session, POST).end(framed({ url: 'http://a/' }))
    await api.jobs.next()
    api.sessions.cutAll('QUOTA_EXCEEDED')
    expect(await headOf(stream)).toMatchObject({ ':status': 429, 'sluice-limit': 'quota' })
    expect(await api.line('session.end')).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  })
})

describe('CONNECT over HTTP/2', () => {
  const login = { 'proxy-authorization': BASIC }
  const asked = { ':method': 'CONNECT', ':authority': 'example.com:443' }

  /** An origin that sends back what it gets, and ends when its client has. */
  const echo = async (): Promise<
    { dial: (target: Address) => Promise<Conn>; targets: Address[] } & Disposable
  > => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {}).pipe(socket)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const dialled = createDial({ policy: new AddressPolicy(['127.0.0.0/8']), resolver: createResolver() })
    const targets: Address[] = []
    const dial = (target: Address): Promise<Conn> => {
      targets.push(target)
      return dialled({ host: '127.0.0.1', port }, new AbortController().signal)
    }
    return { dial, targets, [Symbol.dispose]: () => server.close() }
  }

  it('is a tunnel, both ways until both have ended, beside other requests', async () => {
    using origin = await echo()
    await using api = await openTestApi({ dial: origin.dial })
    using session = open(api)
    const streams = [session.request({ ...asked, ...login }), session.request({ ...asked, ...login })]
    const size = 3_000_000
    for (const stream of streams) {
      expect(await headOf(stream)).toMatchObject({ ':status': 200 })
      stream.end('x'.repeat(size))
    }
    for (const stream of streams) expect((await text(stream)).length).toBe(size)
    expect(origin.targets).toEqual(streams.map(() => ({ host: 'example.com', port: 443 })))
    const end = await api.line('request.end')
    expect(end).toMatchObject({ method: 'CONNECT', code: 'OK', status: 200, up: size, down: size })
    expect([...api.directory.accounts()][0]!.flow.read()).toEqual({ up: 2 * size, down: 2 * size })
  })

  it('that cannot be reached, or names nobody, is told why', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const [refused, wrong] = [
      session.request({ ...asked, ...login }),
      session.request({ ...asked, ...login, ':authority': 'example.com' }),
    ].map(headOf) as [Promise<Heads>, Promise<Heads>]
    expect(await refused).toMatchObject({ ':status': 502, 'sluice-code': 'DIAL_FAILED' })
    expect(await wrong).toMatchObject({ ':status': 400, 'sluice-code': 'REQUEST_INVALID' })
  })

  it('wants credentials in the words of a proxy', async () => {
    await using api = await openTestApi()
    using session = open(api)
    const head = await headOf(session.request(asked))
    expect(head[':status']).toBe(407)
    expect(head['proxy-authenticate']).toContain('Basic')
  })

  it('is reset when the session has to end, and when its client resets it', async () => {
    using origin = await echo()
    await using api = await openTestApi({ dial: origin.dial })
    using session = open(api)
    const [first, second] = [session.request({ ...asked, ...login }), session.request({ ...asked, ...login })]
    for (const stream of [first, second]) await headOf(stream.on('error', () => {}))
    const told: string[] = []
    for (const event of ['end', 'error']) second.on(event, () => told.push(event))
    second.write('not all of it')
    await once(second, 'data')
    first.close(constants.NGHTTP2_CANCEL)
    expect(await api.line('request.end')).toMatchObject({ code: 'CLIENT_RESET' })
    const closed = new Promise((resolve) => second.once('close', resolve))
    api.sessions.cutAll('QUOTA_EXCEEDED')
    await closed
    expect([second.rstCode, told]).toEqual([constants.NGHTTP2_INTERNAL_ERROR, ['error']])
    expect(await api.line('request.end')).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  })
})
