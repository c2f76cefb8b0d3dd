import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { ScriptedTarget } from '@sluice/service/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { blocks, hashOf, MIB, Origins } from '../testing/origin.ts'
import { TestHosts } from '../testing/test-hosts.ts'

const run = promisify(execFile)
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
let hosts: TestHosts
let target: ScriptedTarget
let http2: ClientHttp2Session
const origins = new Origins()

beforeAll(async () => {
  hosts = await TestHosts.open([], '--https', '127.0.0.1:0')
})
afterAll(() => hosts[Symbol.asyncDispose]())
beforeEach(async () => {
  target = await ScriptedTarget.open()
  http2 = connect(`https://127.0.0.1:${hosts.securePort}`, { rejectUnauthorized: false })
  http2.on('error', () => {})
})
afterEach(async () => {
  http2.destroy()
  await hosts.reset()
  target[Symbol.dispose]()
  origins.close()
  if (hosts.journal.lines.join('').includes('INTERNAL')) throw new Error(hosts.journal.lines.join(''))
})

const site = (fields: object = {}): ReturnType<TestHosts['addHost']> =>
  hosts.addHost({ host: 'a.example', targets: [target.authority], ...fields })

const ask = (headers: OutgoingHttpHeaders = {}, endStream = true): ClientHttp2Stream => {
  const options = { endStream, waitForTrailers: headers['x-trailers'] !== undefined }
  const stream = http2.request({ ':authority': 'a.example', ...headers }, options)
  return stream.on('error', () => {})
}
const headOf = async (stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> => {
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return head
}
/** However it ends. */
const over = (stream: ClientHttp2Stream): Promise<void> =>
  new Promise((resolve) => stream.once('close', () => resolve()))
const textOf = async (stream: ClientHttp2Stream): Promise<string> =>
  Buffer.concat(await (stream as AsyncIterable<Buffer> & ClientHttp2Stream).toArray()).toString()

describe('a request over HTTP/2', () => {
  test('goes to the target of its host, and comes back', async () => {
    site()
    const stream = ask({
      ':path': '/x?y',
      cookie: ['a=1', 'b=2'],
      'x-forwarded-for': '1.2.3.4',
      te: 'trailers',
    })
    const conn = await target.next()
    const head = await conn.take()
    expect(head).toMatch(/^GET \/x\?y HTTP\/1.1\r\nHost: a.example\r\n/)
    expect(head).toContain('\r\nCookie: a=1; b=2\r\n')
    expect(head).toContain('\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n')
    expect(head).not.toMatch(/1\.2\.3\.4|\r\nte:|chunked/i)
    conn.send(
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: c\r\nSet-Cookie: d\r\nKeep-Alive: x\r\n\r\nhello',
    )
    const answer = await headOf(stream)
    expect(answer).toMatchObject({ ':status': 200, 'content-length': '5', 'set-cookie': ['c', 'd'] })
    expect(answer).not.toHaveProperty('keep-alive')
    expect(await textOf(stream)).toBe('hello')
  })

  test('has its body sent on in chunks, and gets its answer out of chunks', async () => {
    site()
    const stream = ask({ ':method': 'POST' }, false)
    stream.write('abc')
    const conn = await target.next()
    expect(await conn.take('3\r\nabc\r\n')).toContain('\r\nTransfer-Encoding: chunked\r\n')
    stream.end('de')
    await conn.take('0\r\n\r\n')
    conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n')
    conn.send('1;x=y\r\nc\r\n0\r\n\r\n')
    const answer = await headOf(stream)
    expect(answer).not.toHaveProperty('transfer-encoding')
    expect(await textOf(stream)).toBe('abc')
  })

  test('has what comes behind its body sent on, both ways', async () => {
    site()
    const stream = ask({ ':method': 'POST', 'x-trailers': 'yes' }, false)
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'a', 'x-list': ['1', '2'] }))
    stream.end('abc')
    const conn = await target.next()
    expect(await conn.take('\r\n0\r\n')).toContain(
      '3\r\nabc\r\n0\r\nx-sum: a\r\nx-list: 1\r\nx-list: 2\r\n\r\n',
    )
    conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Su')
    const trailers = once(stream, 'trailers')
    conn.send('m:  b c \r\nx-List: 1\r\nX-list: 2\r\n\r\n')
    expect(await textOf(stream)).toBe('abc')
    expect((await trailers)[0]).toMatchObject({ 'x-sum': 'b c', 'x-list': '1, 2' })
    const next = ask()
    await conn.take('GET ')
    conn.send(OK)
    expect(await textOf(next)).toBe('hello')
  })

  test('whose target says behind the body what may not be there is broken off', async () => {
    site()
    const stream = ask()
    const conn = await target.next()
    await conn.take()
    conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    await headOf(stream)
    conn.send('0\r\nSet-Cookie: a\r\n\r\n')
    stream.resume()
    await over(stream)
    expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  })

  test('has no more said behind the body than HTTP/2 has words for', async () => {
    site()
    const stream = ask()
    const conn = await target.next()
    await conn.take()
    conn.send(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nETag: a\r\nETag: b\r\n\r\n',
    )
    expect(await textOf(stream)).toBe('abc')
    await over(stream)
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR)
  })

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', 304],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200],
  ])('may have an answer without a body: %s %s', async (method, answer, status) => {
    site()
    const stream = ask({ ':method': method })
    const conn = await target.next()
    await conn.take()
    conn.send(answer)
    expect(await headOf(stream)).toMatchObject({ ':status': status })
    expect(await textOf(stream)).toBe('')
  })

  test('has interim responses passed on, and a body that lasts until its target closes', async () => {
    site()
    const stream = ask()
    const interim = once(stream, 'headers')
    const conn = await target.next()
    await conn.take()
    conn.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
    expect((await interim)[0]).toMatchObject({ ':status': 103, link: '</a>' })
    conn.send('HTTP/1.1 200 OK\r\n\r\nall of it')
    conn.socket.end()
    expect(await headOf(stream)).toMatchObject({ ':status': 200 })
    expect(await textOf(stream)).toBe('all of it')
  })

  test.each([
    ['for nobody', { ':authority': 'b.example' }, 404],
    ['for a path that is none', { ':path': 'x' }, undefined],
    ['by CONNECT', { ':method': 'CONNECT', ':authority': 'a.example:1' }, 400],
    ['for a closed host', { ':authority': 'closed.example' }, 404],
    ['for whose client is not there', { ':authority': 'away.example' }, 502],
    ['with a length that is none', { 'content-length': 'x', ':method': 'POST' }, undefined],
  ])('%s is refused, and the connection goes on', async (_, headers, status) => {
    site()
    site({ host: 'closed.example', enabled: false })
    hosts.registry.addHost(hosts.registry.addClient(), { host: 'away.example', targets: ['127.0.0.1:1'] })
    const refused = ask(headers)
    const heading = new Promise((resolve) => refused.once('response', resolve))
    const answer = await Promise.race([heading, over(refused)])
    expect(answer).toEqual(status && expect.objectContaining({ ':status': status }))
    refused.resume()
    const stream = ask()
    const conn = await target.next()
    await conn.take()
    conn.send(OK)
    expect(await textOf(stream)).toBe('hello')
  })

  test('may be answered by what its host keeps, and requests go on', async () => {
    let asked = 0
    const fresh = await origins.serve((_, answer) => {
      asked += 1
      answer.setHeader('Cache-Control', 'max-age=60').end('kept')
    })
    site({ targets: [fresh], cacheBytes: MIB })
    expect(await textOf(ask())).toBe('kept')
    const stream = ask()
    expect(await headOf(stream)).toMatchObject({ ':status': 200, age: '0', 'content-length': '4' })
    expect(await textOf(stream)).toBe('kept')
    expect(await Promise.all([textOf(ask()), textOf(ask()), textOf(ask({ ':path': '/x' }))])).toEqual([
      'kept',
      'kept',
      'kept',
    ])
    expect(asked).toBe(2)
  })

  test('that is given up reaches its target no further, and others go on', async () => {
    site()
    const [given, kept] = [ask(), ask()]
    const conns = [await target.next(), await target.next()]
    await Promise.all(conns.map((conn) => conn.take()))
    given.close(constants.NGHTTP2_CANCEL)
    await Promise.race(conns.map((conn) => conn.until(() => conn.closed)))
    conns.find(({ closed }) => !closed)!.send(OK)
    expect(await textOf(kept)).toBe('hello')
  })

  test.each(['Content-Length: 50', 'Transfer-Encoding: chunked'])(
    'whose target breaks off is broken off: %s',
    async (framing) => {
      site()
      const stream = ask()
      const conn = await target.next()
      await conn.take()
      conn.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhello\r\n`)
      await headOf(stream)
      conn.socket.destroy()
      stream.resume()
      await over(stream)
      expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
    },
  )
})

describe('a connection of HTTP/2', () => {
  test('uses what it has for requests one after the other, whatever their hosts', async () => {
    const { live } = site()
    const other = site({ host: 'b.example' })
    for (const authority of ['a.example', 'b.example', 'a.example', 'b.example']) {
      const stream = ask({ ':authority': authority })
      const conn =
        target.conns.length < 2 ? await target.next() : target.conns[authority === 'a.example' ? 0 : 1]!
      expect(await conn.take()).toContain(`\r\nHost: ${authority}\r\n`)
      conn.send(OK)
      expect(await textOf(stream)).toBe('hello')
    }
    expect(target.conns).toHaveLength(2)
    expect(live.account.connections + other.live.account.connections).toBe(1)
  })

  test('carries many at once', async () => {
    const { live, client } = site({
      targets: [await origins.serve((asked, answer) => void setTimeout(() => answer.end(asked.url), 20))],
    })
    const paths = Array.from({ length: 50 }, (_, at) => `/${at}`)
    expect(await Promise.all(paths.map((path) => textOf(ask({ ':path': path }))))).toEqual(paths)
    expect(live.account.flow.read()).toEqual(client.account.flow.read())
    http2.close()
    await expect.poll(() => live.account.connections).toBe(0)
  })

  test('carries large bodies both ways as they are, with limits or without', async () => {
    const bytes = 8 * MIB
    const all = await origins.serve(async (asked, answer) => {
      answer.setHeader('X-Hash', await hashOf(asked))
      await pipeline(Readable.from(blocks(bytes)), answer)
    })
    const wanted = await hashOf(Readable.from(blocks(bytes)))
    for (const limits of [{}, { down: 64 * MIB, up: 64 * MIB }]) {
      const { live } = site({
        targets: [all],
        host: limits.down === undefined ? 'a.example' : 'b.example',
        limits,
      })
      const stream = ask({ ':method': 'POST', ':authority': live.record.host }, false)
      const heading = headOf(stream)
      Readable.from(blocks(bytes)).pipe(stream)
      expect((await heading)['x-hash']).toBe(wanted)
      expect(await hashOf(stream)).toBe(wanted)
      expect(live.account.flow.up).toBeGreaterThan(bytes)
    }
  })

  test('is held to a quota, as its visitor sees', async () => {
    const all = await origins.serve(
      (_, answer) => void pipeline(Readable.from(blocks(8 * MIB)), answer).catch(() => {}),
    )
    const { live } = site({ targets: [all], limits: { quotaBytes: MIB } })
    const stream = ask()
    await expect(hashOf(stream)).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/)
    const { up, down } = live.account.flow
    expect(up + down).toBe(MIB)
    expect(await headOf(ask())).toMatchObject({ ':status': 429 })
  })

  test('that has nothing to ask is told to go when the program stops', async () => {
    site()
    const stream = ask()
    const conn = await target.next()
    await conn.take()
    conn.send(OK)
    await textOf(stream)
    const going = once(http2, 'goaway')
    hosts.program.sessions.cutAll('SHUTDOWN')
    await going
  })

  test('is spoken by curl as by others', async () => {
    site({
      targets: [
        await origins.serve((asked, answer) =>
          answer.end(`${asked.method} ${String(asked.headers['x-real-ip'])}`),
        ),
      ],
    })
    const to = `a.example:${hosts.securePort}:127.0.0.1`
    const url = `https://a.example:${hosts.securePort}/`
    const { stdout } = await run('curl', [
      '-sSk',
      '--http2',
      '-w',
      ' %{http_version}',
      '--resolve',
      to,
      url,
      '-d',
      'x',
    ])
    expect(stdout).toBe('POST 127.0.0.1 2')
  })
})
