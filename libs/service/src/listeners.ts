import type { Metrics } from '@sluice/metrics'
import { DatagramSocket, errnoOf, listen, type Listener, type OnDatagram } from '@sluice/net'
import type { TlsContext, TlsPaths } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { DatagramParts } from './datagram-session.ts'
import type { Log } from './log.ts'
import { OwnPorts } from './own-ports.ts'
import type { CallerDial, CallerMayReuse, Handshake } from './request.ts'
import type { Levels } from './level-holds.ts'
import { Seldom } from './seldom.ts'
import { runSession } from './session.ts'
import type { SessionParts } from './session-parts.ts'
import { TlsListeners } from './tls-listeners.ts'

/** What the sessions of one listener have of their own. */
export interface OwnParts {
  /** How targets are reached. @default as the rules of the program say */
  readonly dial?: CallerDial
  /** To be given with `dial`. */
  readonly mayReuse?: CallerMayReuse
  /** What its sessions belong to besides their user. @default nothing */
  readonly levels?: () => Levels
}

export interface AnnounceOptions {
  /** Whether there is a `listening` line for it. @default true */
  readonly announce?: boolean
  /** What that line, and the last one of each session, tell besides the door. */
  readonly fields?: Readonly<Record<string, unknown>>
}

export interface ListenerOptions extends AnnounceOptions, OwnParts {
  /** Files that make it a listener over TLS, or credentials that the door has made; both may change while it is open. */
  readonly tls?: TlsPaths | { readonly context: TlsContext } | undefined
  /** What may be spoken over TLS, best first (RFC 7301). @default HTTP/1.1 alone */
  readonly protocols?: readonly string[]
}

/** A port that clients send datagrams to. */
export interface DatagramListener extends Listener, Pick<DatagramSocket, 'maxBytes' | 'send'> {
  /** What the sessions of its clients share. */
  readonly parts: DatagramParts
}

export interface ListenersOptions {
  readonly log: Log
  readonly metrics: Metrics
  /** What the sessions of all listeners share. */
  readonly parts: Omit<SessionParts, 'door' | 'metrics' | 'tls' | 'protocols'>
}

/** All listeners of a program; each may be closed by itself, and there may be thousands. */
export class Listeners {
  readonly tls: TlsListeners
  /** Where they are. */
  readonly own: OwnPorts = new OwnPorts()
  readonly #options: ListenersOptions
  readonly #conns = new Set<Listener>()
  readonly #datagrams = new Set<Listener>()
  readonly #seldom = new Seldom(60_000)

  constructor(options: ListenersOptions) {
    this.#options = options
    this.tls = new TlsListeners(options.log)
  }

  /** @throws the system's error; ConfigError where TLS files are of no use */
  async listen(
    door: string,
    address: Address,
    handshake: Handshake,
    options: ListenerOptions = {},
  ): Promise<Listener> {
    const { parts: shared } = this.#options
    const metrics = this.#options.metrics.door(door)
    const { tls, protocols, fields, dial = shared.dial, mayReuse = shared.mayReuse, levels } = options
    const files = tls && 'cert' in tls ? await this.tls.open(door, tls) : undefined
    const credentials = tls && 'context' in tls ? tls : files
    const own = { dial, mayReuse, levels, protocols, fields }
    const parts = { ...shared, ...own, door, metrics, tls: credentials }
    const listener = await listen({
      ...address,
      onConn: (conn) => void runSession(conn, handshake, parts),
      onError: (error) => this.#failed(door, error),
    })
    const close = (): void => {
      if (files !== undefined) this.tls.forget(files)
      listener.close()
    }
    return this.#opened(door, this.#conns, { address: listener.address, close }, options)
  }

  /** @throws the system's error */
  async datagrams(
    door: string,
    { host, port }: Address,
    onDatagram: OnDatagram,
    options: AnnounceOptions & Pick<OwnParts, 'levels'> = {},
  ): Promise<DatagramListener> {
    const socket = await DatagramSocket.listen({ host, port, onDatagram })
    const listener = { address: socket.local, close: () => socket.close() }
    const { sessions } = this.#options.parts
    const { levels, fields } = options
    return {
      ...this.#opened(door, this.#datagrams, listener, options),
      maxBytes: socket.maxBytes,
      send: (bytes, to, at) => socket.send(bytes, to, at),
      parts: { door, fields, metrics: this.#options.metrics.door(door), sessions, levels },
    }
  }

  /** No more conns come. Datagrams do, since those of running associations come by the same sockets as all others. */
  drain(): void {
    for (const listener of [...this.#conns]) listener.close()
  }

  close(): void {
    this.drain()
    for (const listener of [...this.#datagrams]) listener.close()
  }

  #opened(
    door: string,
    all: Set<Listener>,
    listener: Listener,
    { announce = true, fields }: AnnounceOptions,
  ): Listener {
    const { address } = listener
    const opened = {
      address,
      close: () => {
        all.delete(opened)
        this.own.remove(address)
        listener.close()
      },
    }
    all.add(opened)
    this.own.add(address)
    if (announce) this.#options.log.announce('listening', { door, ...address, ...fields })
    return opened
  }

  #failed(door: string, error: Error): void {
    const { metrics, log } = this.#options
    const errno = errnoOf(error)
    metrics.door(door).acceptFailed(errno)
    if (this.#seldom.due(`${door} ${errno}`)) log.warn({ door, err: error }, 'accept.failed')
  }
}
