import { ServiceError } from '@sluice/service'
import { encodePreamble } from '@sluice/wire'
import { describe, expect, it } from 'vitest'
import { RawClient } from './testing/raw-client.ts'
import { BASIC, openTestApi, TOKEN } from './testing/test-api.ts'

const LOGIN = `Authorization: ${BASIC}`
const PROXY_LOGIN = `Proxy-Authorization: ${BASIC}`
const GET_QUEUE = ['GET /v1/queue HTTP/1.1', 'Host: a', LOGIN, '', '']

describe('a request to a proxy for https', () => {
  it('goes to its target without what was for us, and its answer comes as it is', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send(
      'POST https://example.com/a?b HTTP/1.1',
      'Host: example.com',
      PROXY_LOGIN,
      'X-A: 1',
      'x-a: 2',
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Via: 1.0 other',
      'Content-Length: 4',
      '',
      'body',
    )
    const job = await api.jobs.next()
    expect((await job.body()).toString()).toBe('body')
    expect(job.request.url.href).toBe('https://example.com/a?b')
    expect(job.request).toMatchObject({ method: 'POST', bodyBytes: 4, redirects: 0, timing: 'stream' })
    expect(job.request.fields).toEqual([
      ['X-A', '1'],
      ['x-a', '2'],
      ['Via', '1.0 other'],
      ['Via', '1.1 proxy.test'],
    ])
    const fields = [
      ['Set-Cookie', 'a'],
      ['set-cookie', 'b'],
      ['Content-Encoding', 'gzip'],
    ] as const
    job.answer(203, fields, 'zipped', [['X-Sum', '1']])
    const text = await client.until('X-Sum: 1\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 203 /)
    expect(text).toContain(
      'Set-Cookie: a\r\nset-cookie: b\r\nContent-Encoding: gzip\r\nVia: 1.1 proxy.test\r\n',
    )
    expect(text).toContain('Sluice-Request-Id: ')
    expect(text).toContain('6\r\nzipped\r\n0\r\n')
  })

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('has no body in the answer to %s with %i', async (method, status) => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    const lines = [`${method} https://example.com/ HTTP/1.1`, 'Host: example.com', PROXY_LOGIN, '', '']
    client.send(...lines)
    const job = await api.jobs.next()
    job.answer(status, status === 204 ? [] : [['Content-Length', '5']])
    await client.until('\r\n\r\n')
    client.send(...lines)
    const next = await api.jobs.next()
    next.answer(200, [['Content-Length', '0']])
    const [first, second] = (await client.until('Content-Length: 0')).split(/(?=HTTP\/1\.1 )/)
    expect(first).toMatch(/\r\n\r\n$/)
    expect(second).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each([
    ['HEAD', 'Trailer: X-Sum'],
    ['GET', 'Content-Length: 2'],
  ])('by %s is answered although trailers are announced where there can be none', async (method, more) => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send(`${method} https://a/ HTTP/1.1`, 'Host: a', PROXY_LOGIN, '', '')
    const job = await api.jobs.next()
    const [name = '', value = ''] = more.split(': ')
    job.answer(
      200,
      [
        ['Trailer', 'X-Sum'],
        [name, value],
      ],
      method === 'HEAD' ? '' : 'ok',
    )
    await client.until('\r\n\r\n')
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(client.text).not.toContain('X-Sum')
  })

  it('that fails behind its head is reset, and one that has come through here before is refused', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send('GET https://example.com/ HTTP/1.1', 'Host: example.com', PROXY_LOGIN, '', '')
    const job = await api.jobs.next()
    job.head(200, [['Content-Length', '10']])
    job.sink.onData(Buffer.from('five!'))
    await client.until('five!')
    job.sink.onFailed(new Error('broke'))
    await client.rest()
    expect(client.isBroken).toBe(true)
    using other = await RawClient.connect(api.address)
    other.send('GET https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, 'Via: 1.1 Proxy.Test', '', '')
    expect(await other.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 508 [^]*Sluice-Code: LOOP_DETECTED/)
  })

  it('tells its head at once, while the target takes its time', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send('GET https://example.com/ HTTP/1.1', 'Host: example.com', PROXY_LOGIN, '', '')
    const job = await api.jobs.next()
    job.head(200)
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('who asks', () => {
  const status = async (lines: string[], options = {}): Promise<string> => {
    await using api = await openTestApi(options)
    using client = await RawClient.connect(api.address)
    client.send(...lines, '', '')
    return await client.until('\r\n\r\n')
  }

  it.each([
    ['nobody', [], /^HTTP\/1\.1 401 [^]*WWW-Authenticate: Basic [^]*WWW-Authenticate: Bearer /],
    ['a wrong password', [`Authorization: Basic ${btoa('ada:mule')}`], /^HTTP\/1\.1 401 [^]*AUTH_FAILED/],
    ['nobody’s token', ['Authorization: Bearer 123'], /^HTTP\/1\.1 401 [^]*AUTH_FAILED/],
    ['another scheme', ['Authorization: Digest x'], /^HTTP\/1\.1 401 [^]*AUTH_REQUIRED/],
    ['two at once', [LOGIN, LOGIN], /^HTTP\/1\.1 400 /],
    ['a name and a password', [LOGIN], /^HTTP\/1\.1 200 /],
    ['a token', [`Authorization: Bearer ${TOKEN}`], /^HTTP\/1\.1 200 /],
  ])('%s', async (_, fields, answer) => {
    expect(await status(['GET / HTTP/1.1', 'Host: a', ...fields])).toMatch(answer)
  })

  it('is asked in the words of a proxy where one is asked', async () => {
    const text = await status(['GET https://a/ HTTP/1.1', 'Host: a', LOGIN])
    expect(text).toMatch(/^HTTP\/1\.1 407 [^]*Proxy-Authenticate: Basic /)
  })

  it('may be nobody at an open door, but not somebody else', async () => {
    const open = { isOpen: () => true }
    expect(await status(['GET / HTTP/1.1', 'Host: a'], open)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await status(['GET / HTTP/1.1', 'Host: a', 'Authorization: Bearer x'], open)).toMatch(/ 401 /)
  })

  it('is told why where they may not come in now', async () => {
    const text = await status(['GET / HTTP/1.1', 'Host: a', LOGIN], { enabled: false })
    expect(text).toMatch(/^HTTP\/1\.1 403 [^]*Sluice-Code: USER_DISABLED[^]*Connection: close/)
  })

  it('has to stay the same on a connection', async () => {
    await using api = await openTestApi()
    for (const other of ['Authorization: Basic eDp5', 'X: y']) {
      using client = await RawClient.connect(api.address)
      client.send(...GET_QUEUE)
      await client.until('{"user":"ada"')
      client.send('GET /v1/queue HTTP/1.1', 'Host: a', other, '', '')
      expect(await client.rest()).toMatch(/}\nHTTP\/1\.1 401 [^]*Connection: close/)
      expect(client.isBroken).toBe(false)
    }
  })
})

describe('a connection', () => {
  it('has its requests answered in their order, each by itself', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    const lines = (path: string): string[] => [
      `GET https://a/${path} HTTP/1.1`,
      'Host: a',
      PROXY_LOGIN,
      '',
      '',
    ]
    client.send(...lines('1'))
    client.send(...lines('2'))
    const first = await api.jobs.next()
    await new Promise((resolve) => setImmediate(resolve))
    expect(api.jobs.all.length).toBe(1)
    first.answer(200, [], 'one')
    const second = await api.jobs.next()
    second.answer(200, [], 'two')
    expect(await client.until('two')).toMatch(/one[^]*two/)
  })

  it('of a client that sends far more requests than it takes answers is reset', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    const lines = ['GET https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, '', ''].join('\r\n')
    client.send(lines.repeat(30))
    await client.rest()
    expect(client.isBroken).toBe(true)
    expect(api.jobs.all.length).toBe(1)
  })

  it('takes the job with it when its client leaves, before or within the answer', async () => {
    await using api = await openTestApi()
    for (const isAnswered of [false, true]) {
      const client = await RawClient.connect(api.address)
      client.send('GET https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, '', '')
      const job = await api.jobs.next()
      if (isAnswered) job.head(200)
      client.socket.destroy()
      expect(await job.cancelled).toMatchObject({ code: 'CLIENT_CLOSED' })
      expect(await api.line('request.end')).toMatchObject({ code: 'CLIENT_CLOSED' })
      expect(await api.line('session.end')).toMatchObject({ code: 'CLIENT_CLOSED' })
    }
  })

  it('takes the job with it when its client leaves within its request', async () => {
    await using api = await openTestApi()
    const client = await RawClient.connect(api.address)
    client.send('PUT https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, 'Content-Length: 9', '', 'five!')
    const job = await api.jobs.next()
    const body = job.body().catch((error: Error) => error)
    client.socket.destroy()
    expect(await job.cancelled).toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(await body).toBeInstanceOf(Error)
  })

  it('asks for a body only when somebody wants it', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    const fields = ['Host: a', PROXY_LOGIN, 'Expect: 100-continue', 'Content-Length: 4', '', '']
    client.send('PUT https://a/ HTTP/1.1', ...fields)
    const job = await api.jobs.next()
    expect(job.request.fields.map(([name]) => name)).toEqual(['Via'])
    expect(client.text).toBe('')
    const body = job.body()
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('body')
    expect((await body).toString()).toBe('body')
    job.answer(200, [], 'fine')
    await client.until('fine')
  })

  it('asks for a body that begins with a preamble at once', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    const preamble = encodePreamble('{"url":"http://a/"}')
    const type = 'Content-Type: application/vnd.sluice.request'
    const length = `Content-Length: ${preamble.length}`
    client.send('POST /v1/requests HTTP/1.1', 'Host: a', LOGIN, type, length, 'Expect: 100-continue', '', '')
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    client.socket.write(preamble)
    await api.jobs.next()
  })

  it('loses no answer to a client that still sends its body', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send('PUT https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, 'Content-Length: 400000', '', '')
    const job = await api.jobs.next()
    job.answer(413, [['Content-Length', '4']], 'much')
    await client.until('much')
    client.send('x'.repeat(400_000))
    client.send(...GET_QUEUE)
    await client.until('{"user":"ada"')
  })

  it.each([
    ['no HTTP', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', /^HTTP\/1\.1 400 [^]*HANDSHAKE_INVALID/],
    ['a long head', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}`, /^HTTP\/1\.1 431 /],
    ['a coding besides chunked', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', /^HTTP\/1\.1 501 /],
  ])('that brings %s is told so', async (_, bytes, answer) => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send(...GET_QUEUE)
    const { length } = await client.until('"waiting":0}\n')
    client.send(bytes.startsWith('GET') ? bytes : `GET / HTTP/1.1\r\nHost: a\r\n${LOGIN}\r\n${bytes}`)
    const start = length
    await client.until('Sluice-Code')
    expect(client.text.slice(start)).toMatch(answer)
  })

  it.each([
    ['no Host', ''],
    ['two', 'Host: a\r\nHost: a\r\n'],
  ])('that brings %s is told so as in other cases', async (_, hosts) => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send(`GET /v1/queue HTTP/1.1\r\n${hosts}${LOGIN}\r\n\r\n`)
    await client.until('HANDSHAKE_INVALID')
    expect(client.text).toMatch(/^HTTP\/1\.1 400 [^]*\r\nSluice-Request-Id: /)
    expect(await api.line('request.end')).toMatchObject({ code: 'HANDSHAKE_INVALID' })
  })

  it('that expects what nobody knows is answered', async () => {
    await using api = await openTestApi()
    using client = await RawClient.connect(api.address)
    client.send('GET /v1/queue HTTP/1.1', 'Host: a', LOGIN, 'Expect: more', '', '')
    await client.until('"waiting":0}\n')
  })

  it('has to begin and end a head in time', async () => {
    await using api = await openTestApi({ headMs: 50 })
    using client = await RawClient.connect(api.address)
    client.send(...GET_QUEUE)
    await client.until('"waiting":0}\n')
    client.send('GET / HTTP/1.1\r\nHo')
    expect(await client.rest()).toMatch(/HTTP\/1\.1 408 /)
  })

  it('that nobody uses is closed', async () => {
    await using api = await openTestApi({ keepAliveMs: 10 })
    using client = await RawClient.connect(api.address)
    client.send(...GET_QUEUE)
    await client.rest()
    expect(await api.line('session.end')).toMatchObject({ code: 'OK', user: 'ada', protocol: 'http' })
  })
})

describe('a stop', () => {
  it('lets the present request end, and says that it is the last', async () => {
    await using api = await openTestApi()
    using idle = await RawClient.connect(api.address)
    idle.send(...GET_QUEUE)
    await idle.until('"waiting":0}\n')
    using client = await RawClient.connect(api.address)
    client.send('GET https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, '', '')
    const job = await api.jobs.next()
    const drained = api.sessions.drained()
    await idle.rest()
    expect(idle.isBroken).toBe(false)
    idle.socket.end()
    job.answer(200, [], 'done')
    expect(await client.rest()).toMatch(/Connection: close[^]*done/)
    await drained
  })

  it('for a reason tells it to who waits, and resets who has a part', async () => {
    await using api = await openTestApi()
    const [waiting, taking] = [await RawClient.connect(api.address), await RawClient.connect(api.address)]
    for (const client of [waiting, taking]) {
      client.send('GET https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, '', '')
      const job = await api.jobs.next()
      if (client === taking) job.head(200)
    }
    await taking.until('\r\n\r\n')
    api.sessions.cutAll('QUOTA_EXCEEDED')
    expect(await waiting.rest()).toMatch(/^HTTP\/1\.1 429 [^]*QUOTA_EXCEEDED/)
    await taking.rest()
    expect(taking.isBroken).toBe(true)
    expect(await api.line('session.end')).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    expect(api.jobs.all.every(({ isCancelled }) => isCancelled)).toBe(true)
  })
})

describe('bodies', () => {
  it('count for their user and pass at their rate', async () => {
    await using api = await openTestApi({ limits: { down: 100_000, up: 100_000, burst: 1000 } })
    using client = await RawClient.connect(api.address)
    const size = 20_000
    const startedAt = performance.now()
    client.send('PUT https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, `Content-Length: ${size}`, '', '')
    client.send('u'.repeat(size))
    const job = await api.jobs.next()
    expect((await job.body()).length).toBe(size)
    expect(performance.now() - startedAt).toBeGreaterThan(150)
    job.answer(200, [['Content-Length', String(size + 1)]], `${'d'.repeat(size)}!`)
    await client.until('!')
    expect(performance.now() - startedAt).toBeGreaterThan(300)
    const account = [...api.directory.accounts()][0]!
    expect(account.flow.read()).toEqual({ up: size, down: size + 1 })
  })

  it('end with the quota: told before the head, a reset behind it', async () => {
    await using api = await openTestApi({ limits: { quotaBytes: 10 } })
    using client = await RawClient.connect(api.address)
    client.send('GET https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, '', '')
    const job = await api.jobs.next()
    job.answer(200, [], 'more than ten')
    await client.rest()
    expect(client.isBroken).toBe(true)
    expect(await api.line('request.end')).toMatchObject({ code: 'QUOTA_EXCEEDED', down: 10 })
  })
})

it('reads nothing of a client that has to rest, and then goes on', async () => {
  const rests = [100]
  await using api = await openTestApi({ restMs: () => rests.shift() ?? 0 })
  using client = await RawClient.connect(api.address)
  const lines = ['GET https://a/ HTTP/1.1', 'Host: a', PROXY_LOGIN, '', '']
  client.send(...lines)
  const refused = await api.jobs.next()
  const from = performance.now()
  refused.sink.onFailed(new ServiceError('QUEUE_FULL', undefined, { retryMs: 1000 }))
  await client.until('"QUEUE_FULL"')
  // One turn later, when the socket is paused.
  await new Promise((resolve) => setImmediate(resolve))
  client.send(...lines)
  const job = await api.jobs.next()
  expect(performance.now() - from).toBeGreaterThan(90)
  job.answer(204)
  await client.until('HTTP/1.1 204')
})
