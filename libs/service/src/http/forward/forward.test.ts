import { AddressPolicy, createDial } from '@sluice/net'
import { encodeBasic } from '@sluice/wire'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Directory } from '../../directory.ts'
import { ScriptedTarget, type TargetConn } from '../../testing/scripted-target.ts'
import { TestClient } from '../../testing/test-client.ts'
import { openTestDoor, type TestDoor, type TestUser } from '../../testing/test-door.ts'
import type { HttpDoor } from '../http.ts'
import { testHttp, VIA } from '../testing/test-http.ts'
import { Deadlines } from './deadlines.ts'
import type { ForwardSettings } from './settings.ts'

const ADA: TestUser = { name: 'ada', password: 'horse' }
const BOB: TestUser = { name: 'bob', password: 'horse' }
const SLOW: TestUser = { name: 'slow', password: 'horse', limits: { up: 200_000, down: 200_000 } }
const TRICKLE: TestUser = { name: 'trickle', password: 'horse', limits: { down: 400, burst: 400 } }
const POOR: TestUser = { name: 'poor', password: 'horse', limits: { quotaBytes: 2000 } }

const auth = ({ name, password }: TestUser = ADA): string => {
  const pair = { username: Buffer.from(name), password: Buffer.from(password) }
  return `Proxy-Authorization: ${encodeBasic(pair)}\r\n`
}

interface RequestLine {
  readonly msg: string
  readonly path: string
  readonly host: string
  readonly method: string
  readonly status: number
  readonly code: string
  readonly up: number
  readonly down: number
}

let door: TestDoor
let target: ScriptedTarget
let now = 0
let deadlines: Deadlines
const clients: TestClient[] = []

const open = async (
  settings: Partial<ForwardSettings> = {},
  options: object = {},
  more: (directory: Directory) => Partial<HttpDoor> = () => ({}),
): Promise<void> => {
  await door?.close()
  const dial = createDial({ policy: new AddressPolicy(['127.0.0.0/8', '::1']) })
  const handshake = testHttp({ deadlines, ...settings }, more)
  door = await openTestDoor(handshake, { users: [ADA, BOB, SLOW, TRICKLE, POOR], dial, ...options })
}

beforeEach(async () => {
  now = 0
  deadlines = new Deadlines(() => now)
  target = await ScriptedTarget.open()
  await open()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await door.close()
  target[Symbol.dispose]()
  if (door.lines.join('').includes('INTERNAL')) throw new Error(door.lines.join(''))
})

const connect = async (options: object = {}): Promise<TestClient> => {
  const client = await TestClient.connect(door.address, options)
  clients.push(client)
  return client
}
const send = (client: TestClient, text: string): void => client.send(Buffer.from(text, 'latin1'))

const get = (path = '/', more = '', user: TestUser = ADA, to: string = target.authority): string =>
  `GET http://${to}${path} HTTP/1.1\r\nHost: x\r\n${auth(user)}${more}\r\n`
const post = (
  body: string,
  more = `Content-Length: ${body.length}\r\n`,
  to: string = target.authority,
): string => `POST http://${to}/ HTTP/1.1\r\nHost: x\r\n${auth()}${more}\r\n${body}`

/** Waits until the client has got `sign` behind its first `skip` bytes. @returns all behind those */
const heard = async (client: TestClient, sign: string, skip = 0): Promise<string> => {
  for (;;) {
    const text = client.received.toString('latin1').slice(skip)
    if (text.includes(sign)) return text
    if (client.over) throw new Error(`over: ${text}`)
    await client.take(client.received.length + 1)
  }
}
const requests = (): RequestLine[] =>
  door.lines.filter((line) => line.includes('"request.end"')).map((line) => JSON.parse(line) as RequestLine)
/** Moves the clock, and has it looked at. */
const pass = (ms: number): void => {
  now += ms
  deadlines.sweep()
}

const OK = (body = 'hello'): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const answered = (body = 'hello'): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nVia: 1.1 ${VIA}\r\n\r\n${body}`

/** A client whose request has reached the target. */
const enter = async (
  text: string = get(),
  half = false,
): Promise<{ client: TestClient; conn: TargetConn; got: string }> => {
  const client = await connect({ half })
  send(client, text)
  const conn = await target.next()
  return { client, conn, got: await conn.take() }
}

describe('a request', () => {
  test('goes on in origin-form, without what was for us', async () => {
    const { client, conn, got } = await enter(
      get('/a?b=c', 'Connection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-End: 2\r\n'),
    )
    expect(got).toBe(
      `GET /a?b=c HTTP/1.1\r\nHost: ${target.authority}\r\nX-End: 2\r\nVia: 1.1 ${VIA}\r\n\r\n`,
    )
    conn.send(OK())
    expect((await client.lastWords()).toString()).toBe(
      `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nVia: 1.1 ${VIA}\r\nConnection: close\r\n\r\nhello`,
    )
    expect((await door.end(client)).code).toBe('OK')
    expect(requests()).toMatchObject([
      {
        method: 'GET',
        host: target.authority,
        path: '/a',
        status: 200,
        code: 'OK',
        down: client.received.length,
      },
    ])
  })

  test('takes one byte at a time, and gives one at a time', async () => {
    const client = await connect()
    await client.drip(Buffer.from(post('hello')))
    const conn = await target.next()
    expect(await conn.take('hello')).toContain('Content-Length: 5\r\n')
    for (const byte of OK()) {
      conn.send(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await heard(client, 'hello')).toBe(answered())
  })

  test('counts what passes on the client’s side', async () => {
    const text = post('hello')
    const { client, conn } = await enter(text)
    conn.send(OK())
    await heard(client, 'hello')
    client.finish()
    expect(await door.end(client)).toMatchObject({ up: text.length, down: answered().length, code: 'OK' })
    expect(requests()).toMatchObject([{ up: text.length, down: answered().length }])
  })

  test.each([
    ['of no body', 'HEAD', '', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['not modified', 'GET', '', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['no content', 'DELETE', 'Content-Length: 0\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('is answered once more on the same connections: %s', async (_, method, more, response) => {
    const text = `${method} http://${target.authority}/ HTTP/1.1\r\nHost: x\r\n${auth()}${more}\r\n`
    const { client, conn } = await enter(text)
    conn.send(response)
    const first = await heard(client, '\r\n\r\n')
    send(client, get('/again'))
    expect(await conn.take()).toMatch(/^GET \/again /)
    conn.send(OK())
    expect(await heard(client, 'hello', first.length)).toBe(answered())
    expect(target.conns.length).toBe(1)
  })

  test('of HTTP/1.0 is passed on as that, and its connection closed', async () => {
    const { client, conn, got } = await enter(`GET http://${target.authority} HTTP/1.0\r\n${auth()}\r\n`)
    expect(got).toBe(
      `GET / HTTP/1.0\r\nHost: ${target.authority}\r\nConnection: close\r\nVia: 1.0 ${VIA}\r\n\r\n`,
    )
    conn.send('HTTP/1.0 200 OK\r\n\r\nhel')
    conn.send('lo')
    conn.socket.end()
    expect((await client.lastWords()).toString()).toBe(
      `HTTP/1.1 200 OK\r\nVia: 1.0 ${VIA}\r\nConnection: close\r\n\r\nhello`,
    )
    expect((await door.end(client)).code).toBe('OK')
  })

  test('goes to several targets over one connection, whose conns are kept', async () => {
    using other = await ScriptedTarget.open()
    const { client, conn } = await enter()
    conn.send(OK('one'))
    let skip = (await heard(client, 'one')).length
    send(client, get().replace(target.authority, other.authority))
    const second = await other.next()
    await second.take()
    second.send(OK('two'))
    skip += (await heard(client, 'two', skip)).length
    send(client, get())
    await conn.take()
    conn.send(OK('three'))
    await heard(client, 'three', skip)
    expect([target.conns.length, other.conns.length]).toEqual([1, 1])
    client.close()
    await conn.until(() => conn.ended || conn.closed)
    await second.until(() => second.ended)
  })

  test('waits for its turn when many come at once', async () => {
    const { client, conn, got } = await enter(get('/1') + post('two') + get('/3'))
    expect(got).toMatch(/^GET \/1 [^]*\r\n\r\n$/)
    conn.send(OK('one'))
    expect(await conn.take('two')).toMatch(/^POST \/ [^]*\r\n\r\ntwo$/)
    conn.send(OK('two'))
    expect(await conn.take()).toMatch(/^GET \/3 /)
    conn.send(OK('three'))
    expect(await heard(client, 'three')).toBe(answered('one') + answered('two') + answered('three'))
  })

  test('may be ended by a half-close', async () => {
    const { client, conn } = await enter(get(), true)
    client.finish()
    conn.send(OK())
    expect((await client.lastWords()).toString()).toContain('hello')
    expect((await door.end(client)).code).toBe('OK')
  })

  test('brings chunks and trailers, and gets some', async () => {
    const chunks = '5;a="b"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'
    const { client, conn } = await enter(
      post(chunks, 'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n') + get('/2'),
    )
    conn.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`)
    expect(await heard(client, '\r\n\r\n5;')).toMatch(/\r\nTransfer-Encoding: chunked\r\n/)
    expect(await conn.take()).toMatch(/^GET \/2 /)
    expect(client.received.toString()).toContain(chunks)
  })

  test('may wait for 100 (Continue)', async () => {
    const client = await connect()
    const text = post('', 'Content-Length: 5\r\nExpect: 100-continue\r\n')
    send(client, text)
    const conn = await target.next()
    expect(await conn.take()).toContain('\r\nExpect: 100-continue\r\n')
    conn.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n')
    const first = await heard(client, 'Continue\r\n')
    expect(first).toContain('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n')
    send(client, 'hello')
    await conn.take('hello')
    conn.send(OK('bye'))
    await heard(client, 'bye')
  })

  test('may become something else', async () => {
    const more = 'Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n'
    const { client, conn, got } = await enter(get('/chat', more), true)
    expect(got).toContain('\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
    conn.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst')
    const text = await heard(client, 'first')
    expect(text).toContain('\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
    send(client, 'second')
    await conn.take('second')
    client.finish()
    await conn.until(() => conn.ended)
    conn.send('third')
    conn.socket.end()
    expect((await client.lastWords()).toString()).toMatch(/firstthird$/)
    expect((await door.end(client)).code).toBe('OK')
    expect(requests()).toMatchObject([{ status: 101, code: 'OK' }])
  })

  test('of HTTP/2 by upgrade stays what it is', async () => {
    const { got } = await enter(
      get('/', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n'),
    )
    expect(got).not.toMatch(/upgrade|http2/i)
  })
})

describe('a target', () => {
  test('that answers early and stays gets the rest of the request', async () => {
    const { client, conn } = await enter(post('', 'Content-Length: 10\r\n'))
    conn.send(OK('no'))
    await heard(client, 'no')
    send(client, '0123456789')
    await conn.take('0123456789')
    send(client, get('/2'))
    expect(await conn.take()).toMatch(/^GET \/2 /)
  })

  test('that answers early and closes ends the client’s connection, whole', async () => {
    const { client, conn } = await enter(post('', 'Content-Length: 10\r\n'))
    conn.send('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
    conn.socket.end()
    expect((await client.lastWords()).toString()).toMatch(/\r\nConnection: close\r\n\r\nno$/)
    expect((await door.end(client)).code).toBe('OK')
    await conn.until(() => conn.ended || conn.closed)
  })

  test('that says it closes is not used again', async () => {
    const { client, conn } = await enter()
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    await heard(client, 'ok')
    send(client, get('/2'))
    expect(await (await target.next()).take()).toMatch(/^GET \/2 /)
    await conn.until(() => conn.ended || conn.closed)
  })

  test('that sends more than its response is not used again', async () => {
    const { client, conn } = await enter()
    conn.send(`${OK()}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)
    await heard(client, 'hello')
    send(client, get('/2'))
    const second = await target.next()
    await second.take()
    second.send(OK('good'))
    expect(await heard(client, 'good')).not.toContain('evil')
  })

  test.each([
    ['while the request still comes', post('', 'Content-Length: 5\r\n', 'x:1'), 'hello'],
    ['between two requests', get('', '', ADA, 'x:1'), ''],
  ])('that says more %s is not used again', async (_, text, rest) => {
    const { client, conn } = await enter(text.replace('x:1', target.authority))
    conn.send(OK('one'))
    const skip = (await heard(client, 'one')).length
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await expect.poll(() => conn.socket.writableLength, { interval: 2 }).toBe(0)
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    send(client, rest + get('/2'))
    const second = await target.next()
    expect(await second.take()).toMatch(/^GET \/2 /)
    second.send(OK('good'))
    expect(await heard(client, 'good', skip)).not.toContain('evil')
  })

  test('that speaks before it is asked is not believed', async () => {
    target[Symbol.dispose]()
    target = await ScriptedTarget.open()
    const client = await connect()
    const waiting = target.next().then((conn) => conn.send('SSH-2.0-OpenSSH\r\n'))
    send(client, get())
    await waiting
    expect(await heard(client, '\n\r\n')).toContain('Sluice-Code: RESPONSE_INVALID')
  })

  test.each([
    ['both ends at once', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 5\r\n'],
    ['an odd coding', 'Transfer-Encoding: gzip\r\n'],
    ['a bare LF', 'X: a\nb\r\n'],
    ['a field that may not go', 'Connection: content-length\r\nContent-Length: 0\r\n'],
  ])('is not passed on with %s', async (_, fields) => {
    const { client, conn } = await enter()
    conn.send(`HTTP/1.1 200 OK\r\n${fields}\r\n`)
    const text = await heard(client, 'unclear.\n')
    expect(text).toMatch(/^HTTP\/1.1 502 [^]*\r\nProxy-Status: Sluice; error=http_protocol_error\r\n/)
    await conn.until(() => conn.ended || conn.closed)
    expect(requests()).toMatchObject([{ status: 502, code: 'RESPONSE_INVALID' }])
  })
})

describe('when the target fails', () => {
  test.each([
    ['ends', (conn: TargetConn) => conn.socket.end()],
    ['resets', (conn: TargetConn) => conn.socket.resetAndDestroy()],
    [
      'ends within the head',
      (conn: TargetConn) => {
        conn.send('HTTP/1.1 200')
        conn.socket.end()
      },
    ],
  ])('before it answers: it %s', async (_, fail) => {
    const { client, conn } = await enter()
    fail(conn)
    expect(await heard(client, 'broke.\n')).toMatch(/^HTTP\/1.1 502 [^]*Sluice-Code: TARGET_RESET\r\n/)
    send(client, get('/2'))
    const second = await target.next()
    await second.take()
    second.send(OK())
    await heard(client, 'hello')
    await expect.poll(() => requests().length, { interval: 2 }).toBe(2)
    expect(requests()).toMatchObject([{ status: 502, code: 'TARGET_RESET' }, { code: 'OK' }])
  })

  test.each([
    ['of a length', 'Content-Length: 10\r\n\r\nhello'],
    ['of chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['of bad chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello', '\n'],
  ])('within a body %s the client is told by a reset', async (_, response, more = '') => {
    const { client, conn } = await enter()
    conn.send(`HTTP/1.1 200 OK\r\n${response}`)
    await heard(client, 'HTTP/1.1 200')
    conn.send(more)
    conn.socket.end()
    await expect(client.lastWords()).rejects.toThrow('ECONNRESET')
    expect((await door.end(client)).code).toMatch(/TARGET_RESET|RESPONSE_INVALID/)
  })

  test.each([
    ['GET', '', 'again'],
    ['DELETE', 'Content-Length: 0\r\n', 'again'],
    ['POST', 'Content-Length: 0\r\n', 'broke'],
  ])('as %s comes on a kept conn the outcome is %#', async (method, more, outcome) => {
    const { client, conn } = await enter()
    conn.send(OK())
    const skip = (await heard(client, 'hello')).length
    send(client, get('/2', more).replace('GET', method))
    await conn.take()
    conn.socket.resetAndDestroy()
    if (outcome === 'again') {
      const second = await target.next()
      expect(await second.take()).toContain(`${method} /2 HTTP/1.1\r\n`)
      second.send(OK('again'))
    }
    await heard(client, outcome, skip)
  })

  test('is not tried again with a body that is gone', async () => {
    const { client, conn } = await enter()
    conn.send(OK())
    const skip = (await heard(client, 'hello')).length
    send(client, post('body').replace('POST', 'PUT'))
    await conn.take('body')
    conn.socket.resetAndDestroy()
    expect(await heard(client, 'broke', skip)).toContain('TARGET_RESET')
  })

  test('a kept conn that closes is forgotten', async () => {
    const { client, conn } = await enter()
    conn.send(OK())
    await heard(client, 'hello')
    conn.socket.end()
    await conn.until(() => conn.ended)
    send(client, get('/2'))
    expect(await (await target.next()).take()).toContain('GET /2 ')
  })

  test('to be reached, the client goes on', async () => {
    const client = await connect()
    send(client, get().replace(target.authority, '127.0.0.1:1'))
    expect(await heard(client, 'refused the connection.\n')).toMatch(/^HTTP\/1.1 502 [^]*DIAL_REFUSED/)
    send(client, get().replace(target.authority, '10.0.0.1'))
    await heard(client, 'TARGET_DENIED: ')
    send(client, get())
    await (await target.next()).take()
    expect(requests()).toMatchObject([{ code: 'DIAL_REFUSED' }, { code: 'TARGET_DENIED', status: 403 }])
  })

  test('to answer in time', async () => {
    const { client } = await enter()
    pass(300_000)
    expect(await heard(client, 'in time.\n')).toMatch(/^HTTP\/1.1 504 [^]*RESPONSE_TIMEOUT/)
  })

  test('to answer in time, our answer does not stand within an interim one', async () => {
    const { client, conn } = await enter(get('/', '', TRICKLE))
    conn.send(`HTTP/1.1 103 Early Hints\r\nLink: ${'x'.repeat(2000)}\r\n\r\n`)
    await client.take(50)
    pass(300_000)
    expect((await client.rest()).toString()).toMatch(/^HTTP\/1.1 103 [^]*x$/)
    expect((await door.end(client)).code).toBe('RESPONSE_TIMEOUT')
  })
})

describe('when the client', () => {
  test.each([
    ['half-closes', (client: TestClient) => client.finish(), 'CLIENT_CLOSED'],
    ['resets', (client: TestClient) => client.reset(), 'CLIENT_RESET'],
  ])('%s within its body, the target is told by a reset', async (_, leave, code) => {
    const { client, conn } = await enter(post('', 'Content-Length: 10\r\n'))
    send(client, 'hello')
    await conn.take('hello')
    leave(client)
    await conn.until(() => conn.closed)
    expect(conn.error).toMatchObject({ code: 'ECONNRESET' })
    expect((await door.end(client)).code).toBe(code)
    expect(requests()).toMatchObject([{ code, up: post('', 'Content-Length: 10\r\n').length + 5 }])
  })

  test('half-closes before its body has come, and before there is a target, nobody waits for it', async () => {
    const { promise: dialling, resolve: dialled } = Promise.withResolvers<void>()
    await open({}, { dial: (): Promise<never> => (dialled(), new Promise(() => {})) })
    const client = await connect({ half: true })
    send(client, post('', 'Content-Length: 10\r\n'))
    await dialling
    client.finish()
    expect((await door.end(client)).code).toBe('CLIENT_CLOSED')
  })

  test('resets while it waits, or while it is answered, the target is let go', async () => {
    for (const response of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello']) {
      const { client, conn } = await enter()
      conn.send(response)
      if (response !== '') await heard(client, 'hello')
      client.reset()
      await conn.until(() => conn.closed || conn.ended)
      expect((await door.end(client)).code).toBe('CLIENT_RESET')
    }
  })

  test('leaves between two requests, all is well', async () => {
    const { client, conn } = await enter()
    conn.send(OK())
    await heard(client, 'hello')
    client.close()
    expect((await door.end(client)).code).toBe('OK')
  })

  test('says nothing more, it is let go after a while', async () => {
    const { client, conn } = await enter()
    conn.send(OK())
    await heard(client, 'hello')
    pass(59_999)
    expect(client.over).toBe(false)
    pass(1)
    await client.lastWords()
    expect((await door.end(client)).code).toBe('OK')
  })

  test('is slow with a head, it is told', async () => {
    const { client, conn } = await enter()
    conn.send(OK())
    const skip = (await heard(client, 'hello')).length
    send(client, 'GET ')
    await expect.poll(() => (pass(1000), client.over), { interval: 2 }).toBe(true)
    expect(client.received.toString().slice(skip)).toMatch(/^HTTP\/1.1 408 /)
    expect((await door.end(client)).code).toBe('HANDSHAKE_TIMEOUT')
  })

  test('lets a body trickle, it is told; one that is held back is not', async () => {
    const { client, conn } = await enter(post('', 'Content-Length: 100000\r\n'))
    send(client, 'x'.repeat(2000))
    await conn.take('x'.repeat(2000))
    pass(60_000)
    send(client, 'x'.repeat(1000))
    await conn.take('x'.repeat(1000))
    pass(60_000)
    expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 408 /)
  })

  test('stops reading, the target has to wait', async () => {
    const { client, conn } = await enter()
    client.pause()
    const block = 'x'.repeat(65_536)
    conn.send('HTTP/1.1 200 OK\r\n\r\n')
    let sent = 0
    while (sent < 64 * 1024 * 1024 && conn.socket.write(block)) sent += block.length
    for (let still = 0; still < 200 && sent < 64 * 1024 * 1024; still += 1) {
      if (conn.socket.writableLength === 0) {
        conn.socket.write(block)
        sent += block.length
        still = 0
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(conn.socket.writableLength).toBeGreaterThan(0)
    client.resume()
    await expect.poll(() => conn.socket.writableLength, { interval: 2 }).toBe(0)
    conn.socket.end()
    expect((await client.rest()).length % 65_536).toBeLessThan(200)
  })
})

describe('who asks', () => {
  test('is asked for credentials, and comes again on the same connection', async () => {
    const client = await connect()
    for (let round = 0; round < 2; round += 1) {
      send(client, get().replace(auth(), ''))
      const told = await heard(client, 'password.\n')
      expect(told).toMatch(/^HTTP\/1.1 407 [^]*\r\nProxy-Authenticate: Basic /)
      expect(told).not.toContain('Connection: close')
    }
    send(client, get())
    await (await target.next()).take()
  })

  test('comes again four times at most, and not with a body', async () => {
    const many = await connect()
    for (let round = 0; round < 4; round += 1) send(many, get().replace(auth(), ''))
    expect((await many.lastWords()).toString().split('HTTP/1.1 407 ').length).toBe(5)
    expect((await door.end(many)).code).toBe('AUTH_REQUIRED')
    const body = await connect()
    send(body, post('hello').replace(auth(), ''))
    expect((await body.lastWords()).toString()).toContain('\r\nConnection: close\r\n')
  })

  test('and does not come again, was asked', async () => {
    const client = await connect()
    send(client, get().replace(auth(), ''))
    await heard(client, 'password.\n')
    client.finish()
    await client.lastWords()
    expect((await door.end(client)).code).toBe('AUTH_REQUIRED')
  })

  test('with a wrong password is closed', async () => {
    const client = await connect()
    send(client, get('/', '', { ...ADA, password: 'wrong' }))
    expect((await client.lastWords()).toString()).toMatch(/407 [^]*AUTH_FAILED[^]*Connection: close/)
  })

  test('has to say so with each request, and may not become another', async () => {
    const { client, conn } = await enter()
    conn.send(OK())
    let skip = (await heard(client, 'hello')).length
    send(client, get().replace(auth(), ''))
    skip += (await heard(client, 'password.\n', skip)).length
    send(client, get())
    await conn.take()
    conn.send(OK())
    skip += (await heard(client, 'hello', skip)).length
    send(client, get('/', '', BOB))
    await client.lastWords()
    expect(client.received.toString().slice(skip)).toMatch(/^HTTP\/1.1 407 [^]*Connection: close/)
    expect((await door.end(client)).code).toBe('AUTH_REQUIRED')
  })

  test('is known already, and needs no credentials', async () => {
    await open({}, {}, (directory) => ({ known: directory.byId('ada') }))
    const client = await connect()
    send(client, `${get().replace(auth(), '')}${get('/', '', BOB)}`)
    const conn = await target.next()
    await conn.take()
    conn.send(OK())
    expect(await conn.take()).not.toContain('Proxy-Authorization')
  })

  test('is held to a rate both ways', async () => {
    const { client, conn } = await enter(get('/', '', SLOW))
    const startedAt = performance.now()
    conn.send(OK('x'.repeat(200_000)))
    await client.take(200_000)
    expect(performance.now() - startedAt).toBeGreaterThan(500)
  })

  test('is told when the quota is used up, or cut within a response', async () => {
    const { client, conn } = await enter(get('/', '', POOR))
    conn.send(OK('x'.repeat(5000)))
    await expect(client.lastWords()).rejects.toThrow('ECONNRESET')
    expect(await door.end(client)).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    const next = await connect()
    send(next, get('/', '', POOR))
    expect((await next.lastWords()).toString()).toMatch(/^HTTP\/1.1 429 [^]*Sluice-Limit: quota/)
  })
})

describe('what is refused', () => {
  const line = (start: string): string => `${start} HTTP/1.1\r\nHost: x\r\n${auth()}\r\n`

  test.each([
    ['origin-form', () => line('GET /'), 400, 'TARGET_FORM'],
    ['*', () => line('OPTIONS *'), 400, 'TARGET_FORM'],
    ['https', () => line('GET https://a/'), 501, 'SCHEME_UNSUPPORTED'],
    ['a user name', () => line('GET http://u:p@a/'), 400, 'HANDSHAKE_INVALID'],
    ['a fragment', () => line('GET http://a/#b'), 400, 'HANDSHAKE_INVALID'],
    ['no Host', () => 'GET http://a/ HTTP/1.1\r\n\r\n', 400, 'HANDSHAKE_INVALID'],
    ['two Hosts', () => 'GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400, 'HANDSHAKE_INVALID'],
    ['other codings', () => post('', 'Transfer-Encoding: gzip, chunked\r\n'), 501, 'ENCODING_UNSUPPORTED'],
    ['a Connection that names Host', () => get('/', 'Connection: Host\r\n'), 400, 'HANDSHAKE_INVALID'],
    [
      'TRACE that may go no further',
      () => get('/', 'Max-Forwards: 0\r\n').replace('GET', 'TRACE'),
      405,
      'METHOD_UNSUPPORTED',
    ],
    ['a circle', () => get('/', `Via: 1.0 fred, 1.1 ${VIA.toUpperCase()} (x)\r\n`), 508, 'LOOP_DETECTED'],
    ['a head that is too long', () => get('/', `X: ${'x'.repeat(20_000)}\r\n`), 431, 'HANDSHAKE_TOO_LONG'],
  ])('%s', async (_, text, status, code) => {
    for (const isFirst of [true, false]) {
      const { client, conn } = isFirst ? { client: await connect(), conn: undefined } : await enter()
      conn?.send(OK())
      const skip = conn === undefined ? 0 : (await heard(client, 'hello')).length
      send(client, text().replaceAll('http://a/', `http://${target.authority}/`))
      const told = await heard(client, `${code}: `, skip)
      expect(told).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    }
  })

  test('a bad chunk, and nothing behind it', async () => {
    const { client, conn } = await enter(post('5\r\nhello\r\n', 'Transfer-Encoding: chunked\r\n'))
    send(client, '5 \r\nhello\r\n')
    expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 400 [^]*HANDSHAKE_INVALID/)
    await conn.until(() => conn.closed)
    expect(conn.error).toMatchObject({ code: 'ECONNRESET' })
  })

  test('OPTIONS that may go no further is answered here', async () => {
    const client = await connect()
    send(client, get('/', 'Max-Forwards: 0\r\n').replace('GET', 'OPTIONS'))
    expect(await heard(client, '\r\n\r\n')).toMatch(/^HTTP\/1.1 200 OK\r\nAllow: CONNECT, /)
    send(client, get('', 'Max-Forwards: 3\r\n').replace('GET', 'OPTIONS'))
    expect(await (await target.next()).take()).toMatch(/^OPTIONS \* [^]*\r\nMax-Forwards: 2\r\n/)
  })

  test('HEAD has no body', async () => {
    const client = await connect()
    send(client, get().replace(target.authority, '127.0.0.1:1').replace('GET', 'HEAD'))
    const told = await heard(client, '\r\n\r\n')
    expect(told).toMatch(/Content-Length: [1-9][^]*\r\n\r\n$/)
  })
})

describe('when the program stops', () => {
  test('who waits goes, who is served is served', async () => {
    const waiting = await enter()
    waiting.conn.send(OK())
    await heard(waiting.client, 'hello')
    const served = await enter()
    const drained = door.sessions.drained()
    expect(await waiting.client.lastWords()).toEqual(Buffer.from(answered()))
    served.conn.send(OK())
    expect((await served.client.lastWords()).toString()).toMatch(/Connection: close\r\n\r\nhello$/)
    await drained
  })

  test('who is not answered yet is told', async () => {
    const { client } = await enter()
    door.sessions.cutAll('SHUTDOWN')
    expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 503 [^]*SHUTDOWN/)
  })

  test('a dial is given up', async () => {
    let reason: unknown = undefined
    const dialling = Promise.withResolvers<void>()
    await open(
      {},
      {
        dial: (_target: unknown, signal: AbortSignal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject((reason = signal.reason)))
            dialling.resolve()
          }),
      },
    )
    const client = await connect()
    send(client, get())
    await dialling.promise
    client.reset()
    expect((await door.end(client)).code).toMatch(/^CLIENT_/)
    expect(reason).toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})
