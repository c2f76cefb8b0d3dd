import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { encodePreamble } from '@sluice/wire'
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
    await headOf(broken)
    const closed = new Promise((resolve) => broken.once('close', resolve))
    first.sink.onFailed(new Error('broke'))
    await closed
    expect(broken.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
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
    expect(refused).toMatchObject({ ':status': 401, 'sluice-code': 'AUTH_REQUIRED' })
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
