import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { AddressPolicy } from '../address-policy.ts'
import type { Conn } from '../conn.ts'
import { createDial, type DialOptions } from '../dial.ts'
import { createResolver } from '../dns/create-resolver.ts'
import type { LookupAll } from '../dns/system-names.ts'
import { listen, type Listener } from '../listen.ts'
import { Reader } from '../reader.ts'
import type { SocketConn } from '../socket-conn.ts'
import { connectTls, startTls } from '../start-tls.ts'
import { createTlsContext } from '../tls-context.ts'
import { acceptWebSocket } from '../ws/accept.ts'
import { requestWebSocket } from '../ws/dial.ts'
import type { WsConn } from '../ws/ws-conn.ts'
import { createAuthority } from './certificates.ts'

export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1']
export const hasIpv6: boolean = Object.values(networkInterfaces()).some((cards) =>
  cards?.some(({ address }) => address === '::1'),
)
export const NEVER: AbortSignal = new AbortController().signal

/** @param options with `lookup` in the place of getaddrinfo */
export const dialLoopback = (
  options: Partial<DialOptions> & { readonly lookup?: LookupAll } = {},
): ReturnType<typeof createDial> => {
  const { lookup, ...rest } = options
  const resolver = createResolver(lookup === undefined ? {} : { lookup })
  return createDial({ policy: new AddressPolicy(LOOPBACK), resolver, ...rest })
}

/** A few turns of the event loop: whatever loopback has to bring is there after them. */
export const turns = async (count = 5): Promise<void> => {
  for (let i = 0; i < count; i++) await turn()
}

/** A listener of ours, and the conns it has accepted in order. */
export class Door {
  readonly #listener: Listener
  readonly #conns: Conn[]
  readonly #waiting: ((conn: Conn) => void)[]

  private constructor(listener: Listener, conns: Conn[], waiting: ((conn: Conn) => void)[]) {
    this.#listener = listener
    this.#conns = conns
    this.#waiting = waiting
  }

  static async open(host = '127.0.0.1'): Promise<Door> {
    const conns: Conn[] = []
    const waiting: ((conn: Conn) => void)[] = []
    const onConn = (conn: Conn): void => {
      const next = waiting.shift()
      if (next === undefined) conns.push(conn)
      else next(conn)
    }
    return new Door(await listen({ host, port: 0, onConn, onError: rethrow }), conns, waiting)
  }

  get port(): number {
    return this.#listener.address.port
  }

  get host(): string {
    return this.#listener.address.host
  }

  next(): Promise<Conn> {
    const conn = this.#conns.shift()
    return conn === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(conn)
  }

  close(): void {
    this.#listener.close()
  }
}

const rethrow = (error: Error): void => {
  throw error
}

/** A connection between a conn that we accepted and one that we dialled. */
export const connPair = async (): Promise<{ accepted: Conn; dialled: Conn }> => {
  const door = await Door.open()
  const dialled = await dialLoopback()({ host: door.host, port: door.port }, NEVER)
  const accepted = await door.next()
  door.close()
  return { accepted, dialled }
}

/** As `connPair`, over TLS; its handshake is over. */
export const tlsPair = async (): Promise<{ accepted: Conn; dialled: Conn }> => {
  const authority = createAuthority()
  const pair = await connPair()
  startTls(pair.accepted, createTlsContext(authority.issue('localhost')))
  // The server's side is done last, and its tickets have to arrive.
  const { socket } = pair.accepted as SocketConn
  await Promise.all([
    once(socket, 'secure'),
    connectTls(pair.dialled, { name: 'localhost', ca: authority.cert }, NEVER),
  ])
  await turns()
  return pair
}

/** As `connPair`, or over the conns of another pair, with a WebSocket between them. */
export const wsPair = async (
  make: () => Promise<{ accepted: Conn; dialled: Conn }> = connPair,
): Promise<{ accepted: WsConn; dialled: WsConn }> => {
  const base = await make()
  const [{ conn: accepted }, dialled] = await Promise.all([
    acceptWebSocket(new Reader(base.accepted, 1024), { subprotocol: 'test' }),
    requestWebSocket(base.dialled, 'ws://localhost/', { signal: NEVER, subprotocol: 'test' }),
  ])
  return { accepted, dialled }
}

/** A conn that we accepted, with the plain socket at its other end. */
export const acceptedPair = async (): Promise<{ conn: Conn; peer: Socket }> => {
  const door = await Door.open()
  const peer = connect({ host: door.host, port: door.port, allowHalfOpen: true })
  const conn = await door.next()
  door.close()
  return { conn, peer }
}

/** A conn that we dialled, with the plain socket at its other end. */
export const dialledPair = async (): Promise<{ conn: Conn; peer: Socket }> => {
  const server = await plainServer()
  const accepted = once(server, 'connection')
  const conn = await dialLoopback()({ host: '127.0.0.1', port: portOf(server) }, NEVER)
  const [peer] = (await accepted) as [Socket]
  server.close()
  return { conn, peer }
}

export const plainServer = async (host = '127.0.0.1', port = 0): Promise<Server> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(port, host)
  await once(server, 'listening')
  return server
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** A relay's two conns, `near` the client's and `far` the target's, each with the plain socket at its other end. */
export interface Road {
  readonly client: Socket
  readonly near: Conn
  readonly far: Conn
  readonly target: Socket
}

export const openRoad = async (): Promise<Road> => {
  const [{ conn: near, peer: client }, { conn: far, peer: target }] = await Promise.all([
    acceptedPair(),
    dialledPair(),
  ])
  return { client, near, far, target }
}

/** All that comes until the peer half-closes. (`node:stream/consumers` gives nothing of an ended socket before Node 24.) */
export const textOf = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    let all = ''
    socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')))
    socket
      .on('end', () => resolve(all))
      .on('error', reject)
      .resume()
  })

/** Before 1.52 libuv takes a reset for an end where unread data stands before it (libuv#4997). */
export const seesEveryReset: boolean = !/^1\.([0-4]?\d|5[01])\./.test(process.versions.uv)
