import { isIP } from 'node:net'
import { DatagramSocket, type DatagramSocketOptions, type Lane, type OnDatagram } from '@sluice/net'
import type { DoorMetrics } from '@sluice/metrics'
import { type Clock, systemClock, type Timer } from '@sluice/ratelimit'
import type { Address } from '@sluice/wire'
import { ruleOf } from './access/access.ts'
import { endpoint } from './access-entry.ts'
import { DatagramQueue } from './datagram-queue.ts'
import { type Destination, Destinations, type Unreachable } from './destinations.ts'
import { codeOf, ServiceError } from './errors.ts'
import type { Log } from './log.ts'
import type { Caller, CallerLocate } from './request.ts'
import { Seldom } from './seldom.ts'

/** The client of an association: how datagrams reach it, in whatever its protocol wraps them. */
export interface DatagramClient {
  /** The longest that it can be sent, its head included. */
  readonly maxBytes: number
  /** What stands before a payload from `peer`; made once for each peer. */
  headOf(peer: Address): Uint8Array
  send(head: Uint8Array, payload: Uint8Array): void
}

export interface AssociationOptions {
  readonly caller: Caller
  readonly client: DatagramClient
  readonly lanes: { readonly up: Lane; readonly down: Lane }
  readonly locate: CallerLocate
  readonly metrics: Pick<DoorMetrics, 'datagrams' | 'datagramDropped'>
  readonly log: Log
  /** Nothing has passed either way for so long: IDLE_TIMEOUT, up to a quarter later. */
  readonly idleMs: number
  /** The same as long as nothing was sent but to port 53: a question and its answer. @default idleMs */
  readonly dnsIdleMs?: number | undefined
  /**
   * Who may answer: whoever was sent to (RFC 4787 §5, port-restricted), or anybody (full), with the address that it came
   * from in its head. What strangers send does not keep an association from being idle. @default restricted
   */
  readonly cone?: 'full' | 'restricted'
  /** Address of this machine to send from, for users without one of their own; targets of the other family are dropped. */
  readonly source?: string | undefined
  /** Of all associations that may fail for the same reason: it is told seldom. @default this one's own */
  readonly seldom?: Pick<Seldom, 'due'> | undefined
  /** It has to end: nothing passes any more, or something of ours failed. Told once at most; `close` is the caller's. */
  readonly onEnd: (error: Error) => void
  /** @default the system's */
  readonly clock?: Clock
  /** @default DatagramSocket.bind */
  readonly bind?: (options: DatagramSocketOptions) => Promise<Outlet>
}

/** What an association needs of a socket towards its targets. */
export type Outlet = Pick<DatagramSocket, 'maxBytes' | 'send' | 'close'>

/** An address that the client has sent to or, where anybody may answer, is answered from. */
interface Peer {
  readonly host: string
  readonly port: number
  readonly outlet: Outlet
  readonly head: Uint8Array
  /** The client has not sent to it. */
  isStranger: boolean
}

/** Why a datagram is dropped: label of the metric. */
export type DropReason =
  | 'queue'
  | 'client'
  | 'source'
  | 'malformed'
  | 'fragment'
  | 'oversize'
  /** Nobody's, who comes in here. */
  | 'auth'
  /** It has come before. */
  | 'replay'
  /** Its time is not ours. */
  | 'clock'
  /** Its user may not have an association, or not now. */
  | 'refused'
  | Unreachable

const bindSocket = (options: DatagramSocketOptions): Promise<Outlet> => DatagramSocket.bind(options)

const QUIET_PARTS = 4
const DNS_PORT = 53
const SELDOM_MS = 60_000

/**
 * The spine of datagrams: one client, and whomever it sends to, each direction a flow among its user's other flows. Unless
 * anybody may answer, what comes is let through from addresses and ports that were sent to before.
 */
export class Association {
  readonly #options: AssociationOptions
  readonly #clock: Clock
  readonly #up: DatagramQueue<Peer>
  readonly #down: DatagramQueue<Peer>
  readonly #destinations: Destinations<Peer>
  readonly #outlets = new Map<number, Promise<Outlet | undefined>>()
  readonly #seldom: Seldom
  #lastPeer: Peer | undefined = undefined
  #idleMs: number
  #timer: Timer
  #quiet = 0
  #closed = false

  constructor(options: AssociationOptions) {
    const { client, lanes, metrics, clock = systemClock, idleMs, dnsIdleMs = idleMs } = options
    this.#options = options
    this.#clock = clock
    const queue = (direction: 'up' | 'down', send: (payload: Uint8Array, peer: Peer) => void) =>
      new DatagramQueue<Peer>({
        lane: lanes[direction],
        now: () => clock.now(),
        onDrop: () => this.drop(this.#closed ? 'closed' : 'queue'),
        send: (payload, peer) => {
          if (!peer.isStranger) this.#quiet = 0
          metrics.datagrams[direction] += 1
          send(payload, peer)
        },
      })
    this.#up = queue('up', (payload, { outlet, host, port }) => outlet.send(payload, host, port))
    this.#down = queue('down', (payload, { head }) => client.send(head, payload))
    this.#destinations = new Destinations({
      now: () => clock.now(),
      find: (address) => this.#find(address),
      send: (payload, peer) => this.#sendUp(payload, peer),
      drop: (reason) => this.drop(reason),
    })
    this.#seldom = new Seldom(SELDOM_MS, () => clock.now())
    this.#idleMs = dnsIdleMs
    this.#timer = this.#watch()
  }

  /** Where datagrams for `address` go; keep it for the next ones to the same address. */
  towards(address: Address): Destination<Peer> {
    return this.#destinations.of(address)
  }

  /** Sends a payload from the client; it is the association's from now on. */
  send(payload: Uint8Array, destination: Destination<Peer>): void {
    if (!this.#closed) this.#destinations.send(payload, destination)
  }

  drop(reason: DropReason): void {
    this.#options.metrics.datagramDropped(reason)
  }

  /** Lets go of everything. The lanes are the caller's. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer.cancel()
    this.#up.clear()
    this.#down.clear()
    this.#destinations.clear()
    for (const opening of this.#outlets.values()) void opening.then((outlet) => outlet?.close())
  }

  #sendUp(payload: Uint8Array, peer: Peer): void {
    if (this.#closed) this.drop('closed')
    else if (payload.length > peer.outlet.maxBytes) this.drop('oversize')
    else {
      if (peer.port !== DNS_PORT && this.#idleMs !== this.#options.idleMs) this.#isMoreThanDns()
      this.#up.offer(payload, peer)
    }
  }

  #arrived(payload: Uint8Array, host: string, port: number, outlet: Outlet): void {
    let peer = this.#lastPeer
    if (peer === undefined || peer.host !== host || peer.port !== port) {
      peer = this.#lastPeer = this.#destinations.peerAt(host, port) ?? this.#stranger(host, port, outlet)
    }
    if (peer === undefined) this.drop('source')
    else if (peer.head.length + payload.length > this.#options.client.maxBytes) this.drop('oversize')
    else this.#down.offer(payload, peer)
  }

  #stranger(host: string, port: number, outlet: Outlet): Peer | undefined {
    if (this.#options.cone !== 'full' || this.#closed) return undefined
    // A link-local source has the name of our interface in it, which means nothing elsewhere.
    const head = this.#options.client.headOf({ host: host.split('%', 1)[0]!, port })
    const peer = { host, port, outlet, head, isStranger: true }
    this.#destinations.remember(peer)
    return peer
  }

  /** @returns the first address for which there is a socket, or why there is none */
  async #find(address: Address): Promise<Peer | Unreachable> {
    try {
      const ips = await this.#options.locate(address, this.#options.caller)
      for (const host of ips) {
        const outlet = await this.#outlet(isIP(host))
        if (outlet !== undefined) return this.#peer({ host, port: address.port }, outlet)
      }
      return this.#closed ? 'closed' : 'unreachable'
    } catch (error) {
      return this.#failed(address, error)
    }
  }

  #peer(address: Address, outlet: Outlet): Peer {
    const { host, port } = address
    const known = this.#destinations.peerAt(host, port)
    if (known !== undefined) known.isStranger = false
    return known ?? { host, port, outlet, head: this.#options.client.headOf(address), isStranger: false }
  }

  #failed(address: Address, error: unknown): Unreachable {
    const code = codeOf(error)
    if (code === 'INTERNAL') this.#end(error as Error)
    if (code !== 'TARGET_DENIED' && code !== 'ACCESS_DENIED') return 'lookup'
    const { log, caller } = this.#options
    if (this.#seldom.due('denied')) {
      const { door, protocol, account, client } = caller
      const who = { door, protocol, user: account.user.name, client: endpoint(client) }
      log.info({ ...who, target: endpoint(address), code, rule: ruleOf(error) }, 'datagram.denied')
    }
    return 'policy'
  }

  /** The socket of a family, opened when it is first wanted; undefined where there is none to be had. */
  #outlet(family: number): Promise<Outlet | undefined> {
    let opening = this.#outlets.get(family)
    if (opening === undefined) this.#outlets.set(family, (opening = this.#open(family)))
    return opening
  }

  async #open(family: number): Promise<Outlet | undefined> {
    const { bind = bindSocket, caller, source } = this.#options
    const host = caller.account.user.source ?? source ?? (family === 6 ? '::' : '0.0.0.0')
    // A lookup may outlast the association, and nobody would close what it opened.
    if (isIP(host) !== family || this.#closed) return undefined
    try {
      let outlet: Outlet | undefined = undefined
      const onDatagram: OnDatagram = (payload, from, port) => {
        if (outlet !== undefined) this.#arrived(payload, from, port, outlet)
      }
      outlet = await bind({ host, onDatagram })
      return outlet
    } catch (error) {
      const { log, seldom = this.#seldom } = this.#options
      if (seldom.due(`unbound ${host} ${codeOf(error)}`)) log.warn({ err: error, host }, 'datagram.unbound')
      return undefined
    }
  }

  /** A look now and then costs less than a timer that is set anew for each datagram. */
  #watch(): Timer {
    return this.#clock.after(this.#idleMs / QUIET_PARTS, () => {
      if (this.#quiet === QUIET_PARTS) {
        this.#end(new ServiceError('IDLE_TIMEOUT'))
        return
      }
      this.#quiet += 1
      this.#timer = this.#watch()
    })
  }

  #isMoreThanDns(): void {
    this.#idleMs = this.#options.idleMs
    this.#timer.cancel()
    this.#quiet = 0
    this.#timer = this.#watch()
  }

  #end(error: Error): void {
    if (!this.#closed) this.#options.onEnd(error)
  }
}
