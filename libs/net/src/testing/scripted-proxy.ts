import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { parseAddress } from '@sluice/wire'
import { CERTIFICATE, CERTIFICATE_KEY } from './certificate.ts'

/** A listener on loopback for the time of a test, and what came to it. */
export interface Peer extends Disposable {
  readonly port: number
  /** What each message of a client was, over all of its connections. */
  readonly messages: Buffer[]
  /** The names that TLS clients have asked for. */
  readonly servernames: (string | false | null)[]
  readonly sockets: Set<Socket>
  /** Resolves when so many messages have come. */
  received(count: number): Promise<void>
}

export interface PeerOptions {
  readonly isSecure?: boolean
  /** Told of each connection. */
  readonly onSocket?: (socket: Socket) => void
}

type OnMessage = (socket: Socket, message: Buffer, nth: number) => void

/** @param onMessage what to do about the nth message of a connection, counted from 0 */
export const openPeer = async (
  onMessage: OnMessage,
  { isSecure = false, onSocket }: PeerOptions = {},
): Promise<Peer> => {
  const messages: Buffer[] = []
  const sockets = new Set<Socket>()
  const raw = new Set<Socket>()
  const servernames: (string | false | null)[] = []
  const waiting = new Set<() => void>()
  const serve = (socket: Socket): void => {
    let nth = 0
    sockets.add(socket)
    if (isSecure) servernames.push((socket as TLSSocket).servername)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', (message: Buffer) => {
      messages.push(message)
      onMessage(socket, message, nth++)
      for (const check of waiting) check()
    })
    onSocket?.(socket)
  }
  const options = { allowHalfOpen: true, noDelay: true }
  const server: Server = isSecure
    ? createTlsServer({ ...options, cert: CERTIFICATE, key: CERTIFICATE_KEY }, serve)
    : createServer(options, serve)
  // Below TLS too: one whose handshake fails is otherwise left open on the side of the server.
  server.on('connection', (socket: Socket) => void raw.add(socket.on('error', () => {})))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    servernames,
    sockets,
    received: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (messages.length < count) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of raw) socket.destroy()
    },
  }
}

export interface Script {
  /** To each message its answer. What a client sends behind the last one is echoed. */
  readonly answers: readonly Buffer[]
  /** Only so many bytes of the answers, and then the end. */
  readonly cutAt?: number
}

/** A proxy that says what it is told to say, whatever it is asked. */
export const openScripted = (script: () => Script, isSecure = false): Promise<Peer> =>
  openPeer(
    (socket, message, nth) => {
      const { answers, cutAt = Infinity } = script()
      if (nth >= answers.length) {
        socket.write(message)
        return
      }
      const before = Buffer.concat(answers.slice(0, nth)).length
      const answer = answers[nth]!.subarray(0, Math.max(0, cutAt - before))
      if (answer.length > 0) socket.write(answer)
      if (before + answers[nth]!.length >= cutAt) socket.end()
    },
    { isSecure },
  )

/** A proxy that does what it is asked: one that others are reached through. */
export const openRelay = (protocol: 'http' | 'socks5', isSecure = false): Promise<Peer> => {
  const led = new WeakSet<Socket>()
  return openPeer(
    (socket, message, nth) => {
      if (led.has(socket)) return
      if (protocol === 'socks5' && nth === 0) return void socket.write(Buffer.of(5, 0))
      led.add(socket)
      if (protocol === 'http') return lead(socket, hostOf(message), Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))
      lead(
        socket,
        socksHostOf(message),
        Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 1),
        Buffer.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0),
      )
    },
    { isSecure },
  )
}

const hostOf = (head: Buffer): { host: string; port: number } => parseAddress(head.toString().split(' ')[1]!)

const socksHostOf = (request: Buffer): { host: string; port: number } => ({
  host: request[3] === 1 ? request.subarray(4, 8).join('.') : request.toString('latin1', 5, 5 + request[4]!),
  port: request.readUInt16BE(request.length - 2),
})

const lead = (socket: Socket, to: { host: string; port: number }, yes: Buffer, no?: Buffer): void => {
  const far = connect({ ...to, allowHalfOpen: true })
  far.on('connect', () => {
    socket.write(yes)
    socket.pipe(far).pipe(socket)
  })
  far.on('error', () => {
    socket.end(no ?? 'HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  socket.on('close', () => far.destroy())
}
