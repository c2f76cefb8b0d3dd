import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createHttps } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { createAuthority } from '../testing/certificates.ts'
import { Collector } from '../testing/collector.ts'
import { NEVER, plainServer, portOf } from '../testing/loopback.ts'
import { freePort, OWN_HOST } from '../testing/own-loopback.ts'
import { SUBPROTOCOL } from '../testing/ws-peer.ts'
import { dialWebSocket } from './dial.ts'
import type { WsConn } from './ws-conn.ts'

const open: (() => unknown)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

const options = { signal: NEVER, subprotocol: SUBPROTOCOL }

const serverOf = async (own: ServerOptions = { port: 0, host: '127.0.0.1' }): Promise<WebSocketServer> => {
  const server = new WebSocketServer({ perMessageDeflate: true, ...own })
  open.push(() => server.close())
  if (own.server === undefined) await once(server, 'listening')
  return server
}

/** A server of somebody else, and a conn to it. */
const dialled = async (): Promise<{ conn: WsConn; peer: WebSocket; here: Collector }> => {
  const server = await serverOf()
  const connection = once(server, 'connection')
  const { port } = server.address() as AddressInfo
  const conn = await dialWebSocket(`ws://127.0.0.1:${port}/path?token=abc`, {
    ...options,
    fields: [['Authorization', 'Bearer abc']],
  })
  const [peer, request] = (await connection) as [WebSocket, { url: string; headers: object }]
  expect(request).toMatchObject({
    url: '/path?token=abc',
    headers: { authorization: 'Bearer abc', host: `127.0.0.1:${port}` },
  })
  open.push(() => peer.terminate())
  return { conn, peer, here: new Collector(conn) }
}

/** What comes of an answer like this. */
const answered = async (answer: string): Promise<unknown> => {
  const server = await plainServer()
  open.push(() => server.close())
  server.once('connection', (socket: Socket) => {
    open.push(() => socket.destroy())
    socket
      .resume()
      .on('error', () => {})
      .write(answer)
  })
  return dialWebSocket(`ws://127.0.0.1:${portOf(server)}`, options).catch((error: unknown) => error)
}

describe('dialWebSocket', () => {
  it('brings and takes bytes, half-closes, and ends well', async () => {
    const { conn, peer, here } = await dialled()
    const messages: Buffer[] = []
    peer.on('message', (message: Buffer) => messages.push(message))
    for (const size of [1, 126, 70_000]) conn.write(Buffer.alloc(size, 'u'))
    peer.send(Buffer.alloc(70_000, 'd').subarray(0, 65_536))
    conn.end()
    await expect.poll(() => messages.map(({ length }) => length)).toEqual([1, 126, 65_536, 4464, 0])
    expect(Buffer.concat(messages).every((byte) => byte === 0x75)).toBe(true)
    const closed = once(peer, 'close')
    peer.send(Buffer.alloc(0))
    expect((await closed)[0]).toBe(1000)
    await here.until(() => here.has('close'))
    expect([here.size, here.events, here.error]).toEqual([65_536, ['data', 'end', 'close'], undefined])
  })

  it('leaves what it was given to write as it was', async () => {
    const { conn } = await dialled()
    const chunk = Buffer.alloc(5000, 'same')
    conn.write(chunk)
    expect(chunk.equals(Buffer.alloc(5000, 'same'))).toBe(true)
  })

  it('goes over TLS, to the server that the certificate names', async () => {
    const authority = createAuthority()
    const server = createHttps(authority.issue('localhost')).listen(0, '127.0.0.1')
    open.push(() => server.close())
    await once(server, 'listening')
    const sockets = await serverOf({ server })
    sockets.on('connection', (peer) => peer.send(Buffer.from('secret')))
    const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const conn = await dialWebSocket(url, { ...options, tls: { name: 'localhost', ca: authority.cert } })
    const here = new Collector(conn)
    await here.until(() => here.size > 0)
    expect(here.text).toBe('secret')
    conn.destroy()
    await expect(dialWebSocket(url, options)).rejects.toMatchObject({ code: 'TLS_FAILED' })
  })

  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  it.each([
    ['another status', 'HTTP/1.1 403 Forbidden\r\n\r\n', /answers with 403 Forbidden/],
    ['no key', `${upgrade}\r\n`, /none of a WebSocket server/],
    [
      'the wrong key',
      `${upgrade}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`,
      /none of a WebSocket/,
    ],
  ])('fails with WEBSOCKET_INVALID at an answer with %s', async (_, answer, message) => {
    expect(await answered(answer)).toMatchObject({
      code: 'WEBSOCKET_INVALID',
      message: expect.stringMatching(message),
    })
  })

  it('fails where the server picks another subprotocol', async () => {
    const server = await serverOf({ port: 0, host: '127.0.0.1', handleProtocols: () => 'other' })
    const { port } = server.address() as AddressInfo
    await expect(dialWebSocket(`ws://127.0.0.1:${port}`, options)).rejects.toMatchObject({
      code: 'WEBSOCKET_INVALID',
      message: expect.stringContaining(SUBPROTOCOL),
    })
  })

  it('fails where nobody listens, where HTTP is not spoken, and where the server leaves', async () => {
    await expect(dialWebSocket(`ws://${OWN_HOST}:${freePort()}`, options)).rejects.toMatchObject({
      code: 'DIAL_REFUSED',
    })
    expect(await answered('SSH-2.0-OpenSSH\r\n')).toMatchObject({ code: 'WEBSOCKET_INVALID' })
    await expect(dialWebSocket('http://127.0.0.1/', options)).rejects.toThrow(TypeError)
  })

  it('ends with its signal', async () => {
    const server = await plainServer()
    open.push(() => server.close())
    const abort = new AbortController()
    const dialling = dialWebSocket(`ws://127.0.0.1:${portOf(server)}`, { ...options, signal: abort.signal })
    const [socket] = (await once(server, 'connection')) as [Socket]
    await once(socket.resume(), 'data')
    abort.abort(new Error('enough'))
    await expect(dialling).rejects.toThrow('enough')
    await once(socket, 'end')
    socket.destroy()
  })
})
