import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import { acceptKey } from '@sluice/net/ws'
import { ScriptedTarget } from '@sluice/service/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MIB } from '../testing/origin.ts'
import { TestHosts } from '../testing/test-hosts.ts'

type TargetConn = Awaited<ReturnType<ScriptedTarget['next']>>

let hosts: TestHosts
let target: ScriptedTarget
let http2: ClientHttp2Session

beforeAll(async () => {
  hosts = await TestHosts.open([], '--https', '127.0.0.1:0')
})
afterAll(() => hosts[Symbol.asyncDispose]())
beforeEach(async () => {
  target = await ScriptedTarget.open()
  http2 = connect(`https://127.0.0.1:${hosts.securePort}`, { rejectUnauthorized: false })
  http2.on('error', () => {})
  await once(http2, 'remoteSettings')
})
afterEach(async () => {
  http2.destroy()
  await hosts.reset()
  target[Symbol.dispose]()
  if (hosts.journal.lines.join('').includes('INTERNAL')) throw new Error(hosts.journal.lines.join(''))
})

const site = (fields: object = {}): ReturnType<TestHosts['addHost']> =>
  hosts.addHost({ host: 'a.example', targets: [target.authority], ...fields })

const ask = (protocol = 'websocket'): ClientHttp2Stream => {
  const stream = http2.request({
    ':method': 'CONNECT',
    ':protocol': protocol,
    ':scheme': 'https',
    ':authority': 'a.example',
    ':path': '/chat?x',
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'talk',
    origin: 'https://a.example',
  })
  return stream.on('error', () => {})
}
const headOf = async (stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> => {
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return head
}
const over = (stream: ClientHttp2Stream): Promise<void> =>
  new Promise((resolve) => stream.once('close', () => resolve()))
const heard = async (stream: ClientHttp2Stream, bytes: number): Promise<string> => {
  let text = ''
  for (;;) {
    text += String((stream.read() as Buffer | null) ?? '')
    if (text.length >= bytes) return text
    await once(stream, 'readable')
  }
}

const agree = (conn: TargetConn, head: string, more = ''): void => {
  const key = /\r\nSec-WebSocket-Key: (\S+)\r\n/i.exec(head)![1]!
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n`
  conn.send(`HTTP/1.1 101 Switching Protocols\r\n${fields}Sec-WebSocket-Protocol: talk\r\n\r\n${more}`)
}

interface Opened {
  readonly stream: ClientHttp2Stream
  readonly conn: TargetConn
  readonly head: string
  readonly answer: IncomingHttpHeaders
}

const open = async (more = ''): Promise<Opened> => {
  const stream = ask()
  const conn = await target.next()
  const head = await conn.take()
  agree(conn, head, more)
  return { stream, conn, head, answer: await headOf(stream) }
}

describe('a WebSocket over HTTP/2', () => {
  test('is one over HTTP/1.1 at its target', async () => {
    const { live } = site()
    const { stream, conn, head, answer } = await open('first')
    expect(head).toMatch(/^GET \/chat\?x HTTP\/1.1\r\nHost: a.example\r\n/)
    expect(head).toMatch(/\r\nconnection: upgrade\r\n/i)
    expect(head).toMatch(/\r\nupgrade: websocket\r\n/i)
    expect(head).toMatch(
      /\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: talk\r\norigin: https:\/\/a.example\r\n/,
    )
    expect(head).not.toMatch(/transfer-encoding|:protocol/i)
    expect(answer).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'talk' })
    for (const name of ['upgrade', 'connection', 'sec-websocket-accept'])
      expect(answer).not.toHaveProperty(name)
    expect(await heard(stream, 5)).toBe('first')
    stream.write('to the target')
    await conn.take('to the target')
    conn.send('to the visitor')
    expect(await heard(stream, 14)).toBe('to the visitor')
    const { up, down } = live.account.flow
    expect(up).toBeGreaterThan(13)
    expect(down).toBeGreaterThan(19)
  })

  test('may be spoken to before its target has agreed', async () => {
    site()
    const stream = ask()
    stream.write('early')
    const conn = await target.next()
    agree(conn, await conn.take())
    await conn.take('early')
  })

  test('ends as either side ends it', async () => {
    site()
    const first = await open()
    first.stream.end('bye')
    await first.conn.take('bye')
    await first.conn.until(() => first.conn.ended)
    first.conn.send('bye, too')
    first.conn.socket.end()
    expect(await heard(first.stream, 8)).toBe('bye, too')
    await over(first.stream)
    expect(first.stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR)
    const second = await open()
    second.conn.socket.end('bye')
    expect(await heard(second.stream, 3)).toBe('bye')
    second.stream.resume().end()
    await over(second.stream)
    expect(second.stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR)
    await second.conn.until(() => second.conn.closed)
  })

  test('that is broken off by one side is so for the other', async () => {
    site()
    const first = await open()
    first.stream.destroy(new Error('broken'))
    await first.conn.until(() => first.conn.closed)
    const second = await open()
    second.conn.socket.resetAndDestroy()
    second.stream.resume()
    await over(second.stream)
    expect(second.stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  })

  test('goes on beside others, and beside requests', async () => {
    const { live } = site()
    const [first, second] = [await open(), await open()]
    const plain = http2.request({ ':authority': 'a.example' })
    const conn = await target.next()
    await conn.take()
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
    expect(await heard(plain, 5)).toBe('hello')
    first.stream.destroy(new Error('broken'))
    await first.conn.until(() => first.conn.closed)
    second.stream.write('still here')
    await second.conn.take('still here')
    http2.destroy()
    await second.conn.until(() => second.conn.ended || second.conn.closed)
    await expect.poll(() => live.account.connections).toBe(0)
  })

  test('is held to a quota', async () => {
    const { live } = site({ limits: { quotaBytes: MIB } })
    const { stream, conn } = await open()
    conn.socket.on('error', () => {}).write(Buffer.alloc(2 * MIB))
    stream.resume()
    await over(stream)
    expect(live.account.flow.up + live.account.flow.down).toBe(MIB)
  })

  test('carries much both ways, as fast as each takes it', async () => {
    site()
    const { stream, conn } = await open()
    conn.socket.removeAllListeners('data').pipe(conn.socket)
    const bytes = Buffer.alloc(4 * MIB, 'abcdefg')
    stream.end(bytes)
    expect(
      bytes.equals(Buffer.concat(await (stream as AsyncIterable<Buffer> & ClientHttp2Stream).toArray())),
    ).toBe(true)
  })

  test('that its target will not have is answered as it says, and what is said behind is no request', async () => {
    site()
    const stream = ask()
    stream.write('GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n')
    const conn = await target.next()
    await conn.take()
    conn.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    expect(await headOf(stream)).toMatchObject({ ':status': 403 })
    expect(await heard(stream, 2)).toBe('no')
    await over(stream.resume())
    const next = http2.request({ ':authority': 'a.example', ':path': '/next' })
    expect(await conn.take()).toMatch(/^GET \/next /)
    next.destroy()
  })

  test.each(['x', ''])('whose target speaks none is broken off: %j', async (accept) => {
    site()
    const stream = ask()
    const conn = await target.next()
    await conn.take()
    conn.send(
      `HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    await over(stream.resume())
    expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
    await conn.until(() => conn.closed)
  })

  test('is none where another protocol is asked for', async () => {
    site()
    expect(await headOf(ask('connect-udp'))).toMatchObject({ ':status': 400 })
  })
})
