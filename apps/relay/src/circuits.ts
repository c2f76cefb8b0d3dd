import { timingSafeEqual } from 'node:crypto'
import type { Clock, Timer } from '@sluice/ratelimit'
import { clientNetwork } from '@sluice/service'
import { RELAY_STATUS, type RelayFrame, type RelayStatus } from '@sluice/wire/relay'
import { Circuit, type CircuitEnd } from './circuit.ts'
import { ConnectRates } from './connect-rates.ts'
import { cap, type RelayLimits, termsOf } from './limits.ts'
import type { RelayPeer } from './relay-peer.ts'
import { type LimitName, RelayRefusal } from './relay-refusal.ts'
import type { Reservations } from './reservations.ts'
import { Tally } from './tally.ts'

/** `opened`: payload may flow; `closed`: after that; `failed`: instead of that. */
export type CircuitEvent = 'opened' | 'closed' | 'failed'

export interface CircuitsOptions<T> {
  readonly limits: RelayLimits
  readonly clock: Clock
  /** ms since 1970. */
  readonly wallNow: () => number
  /** So many octets that nobody can guess. */
  readonly random: (size: number) => Uint8Array
  readonly reservations: Pick<Reservations, 'find' | 'control'>
  /** The relay's own NodeID in Base58, which is no destination. */
  readonly self: string
  /** A closed or failed one has its `status`. */
  readonly onEvent?: (event: CircuitEvent, circuit: Circuit<T>) => void
}

const ID_BYTES = 16
const TOKEN_BYTES = 32
/** 49 days in ms. */
const MAX_U32 = 0xffff_ffff
const { CONNECTION_FAILED, DURATION_LIMIT, REJECTED, TIMEOUT } = RELAY_STATUS

interface Entry<T> {
  readonly circuit: Circuit<T>
  readonly token: Uint8Array
  /** Of its source. */
  readonly network: string
  /** Of the clock: when the destination has to be here. */
  readonly deadline: number
  /** Of the clock. */
  openedAt: number
  /** For that deadline, then for the end of its time. */
  timer: Timer | undefined
}

/**
 * The circuits there are. Each takes its places at CONNECT, before anybody waits for anything, and gives them back once,
 * when it is over.
 */
export class Circuits<T = unknown> {
  readonly #options: CircuitsOptions<T>
  #limits: RelayLimits
  #draining = false
  readonly #table = new Map<string, Entry<T>>()
  readonly #networks = new Tally()
  readonly #peers = new Tally()
  readonly #waiting = new Tally()
  #pending = 0
  readonly #rates: ConnectRates

  constructor(options: CircuitsOptions<T>) {
    this.#options = options
    this.#limits = options.limits
    this.#rates = new ConnectRates(options.clock, options.limits.connectsPerMinute)
  }

  get size(): number {
    return this.#table.size
  }

  /** Those that wait for their destination. */
  get pending(): number {
    return this.#pending
  }

  /** Of a NodeID, as source and as destination. */
  of(id: string): number {
    return this.#peers.of(id)
  }

  find(key: string): Circuit<T> | undefined {
    return this.#table.get(key)?.circuit
  }

  list(): readonly Circuit<T>[] {
    return [...this.#table.values()].map(({ circuit }) => circuit)
  }

  /** Hold from the next CONNECT on; circuits keep the terms that their peers were told. */
  set(limits: RelayLimits): void {
    this.#limits = limits
    this.#rates.set(limits.connectsPerMinute)
  }

  /** No more circuits, until there may be again; those that are there go on. */
  drain(isDraining = true): void {
    this.#draining = isDraining
  }

  /**
   * Takes the places of a circuit and tells its destination. To be closed by the caller, whatever happens.
   * @throws RelayRefusal MALFORMED_MESSAGE, PERMISSION_DENIED, SHUTTING_DOWN, RATE_LIMITED, NO_RESERVATION,
   *   RESOURCE_LIMIT_EXCEEDED
   */
  connect(source: RelayPeer, destination: string): Circuit<T> {
    this.#checkMay(source, destination)
    // First what has nothing to do with the destination: it does not tell whether that is here.
    this.#checkRoom(source)
    const reservation = this.#options.reservations.find(destination)
    if (reservation === undefined) throw new RelayRefusal('NO_RESERVATION')
    this.#checkRoomAt(destination)
    const { circuit, token } = this.#add(source, reservation.control.peer)
    reservation.control.send({
      type: 'incoming',
      circuitId: circuit.id,
      source: source.nodeId,
      sourceKey: source.publicKey,
      token,
      acceptWithin: Math.ceil(this.#limits.acceptMs / 1000),
      duration: circuit.terms.duration,
      data: circuit.terms.data,
    })
    return circuit
  }

  /**
   * The destination's new conn: its token counts no more. Then `open`, or `close` where it turns out not to be served.
   * @throws RelayRefusal INVALID_TOKEN, which does not tell what is wrong, nor uses the token up
   */
  accept({ id }: RelayPeer, circuitId: Uint8Array, token: Uint8Array): Circuit<T> {
    const entry = this.#waitingFor(id, circuitId)
    const isRight = entry?.token.length === token.length && timingSafeEqual(entry.token, token)
    if (!isRight || !entry.circuit.claim()) throw new RelayRefusal('INVALID_TOKEN')
    return entry.circuit
  }

  /** The destination does not want it. @returns false where no circuit with this id waits for its answer */
  reject({ id }: RelayPeer, circuitId: Uint8Array, reason = ''): boolean {
    return this.#waitingFor(id, circuitId)?.circuit.close(REJECTED, undefined, reason) ?? false
  }

  /** The control conn of this NodeID is gone: nobody will answer what it was told. Circuits that run go on. */
  disconnected(id: string): void {
    if (this.#waiting.of(id) === 0) return
    for (const circuit of this.list()) {
      if (circuit.destination.id === id && circuit.state === 'pending') circuit.close(CONNECTION_FAILED)
    }
  }

  /** See `Circuit.cut`. */
  cutAll(status: RelayStatus): void {
    for (const circuit of this.list()) circuit.cut(status)
  }

  #checkMay(source: RelayPeer, destination: string): void {
    const { self } = this.#options
    if (source.id === destination) {
      throw new RelayRefusal('MALFORMED_MESSAGE', { reason: 'a circuit to oneself' })
    }
    if (destination === self || source.id === self) {
      throw new RelayRefusal('PERMISSION_DENIED', { reason: 'a circuit to the relay itself' })
    }
    if (this.#draining) throw new RelayRefusal('SHUTTING_DOWN')
    const waitMs = this.#rates.take(source.id)
    if (waitMs > 0) {
      throw new RelayRefusal('RATE_LIMITED', { limit: 'connect-rate', retryAfter: Math.ceil(waitMs / 1000) })
    }
  }

  #checkRoom({ id, ip }: RelayPeer): void {
    const { circuits, circuitsPerIp, circuitsPerPeer } = this.#limits
    if (this.#table.size >= cap(circuits)) throw full('circuits-total')
    if (this.#networks.of(clientNetwork(ip)) >= cap(circuitsPerIp)) throw full('circuits-ip')
    if (this.#peers.of(id) >= cap(circuitsPerPeer)) throw full('circuits-source')
  }

  #checkRoomAt(destination: string): void {
    const { circuitsPerPeer, pendingPerPeer, acceptMs } = this.#limits
    if (this.#peers.of(destination) >= cap(circuitsPerPeer)) throw full('circuits-destination')
    if (this.#waiting.of(destination) >= cap(pendingPerPeer)) {
      throw full('pending', Math.ceil(acceptMs / 1000))
    }
  }

  #add(source: RelayPeer, destination: RelayPeer): Entry<T> {
    const { clock, wallNow, random } = this.#options
    const { acceptMs } = this.#limits
    const circuit: Circuit<T> = new Circuit<T>({
      id: random(ID_BYTES),
      source,
      destination,
      terms: termsOf(this.#limits),
      since: wallNow(),
      isLate: () => clock.now() >= entry.deadline,
      onOpen: () => this.#open(entry),
      onClose: (end) => this.#remove(entry, end),
    })
    const timer = clock.after(acceptMs, () => circuit.close(TIMEOUT))
    const deadline = clock.now() + acceptMs
    const network = clientNetwork(source.ip)
    const entry: Entry<T> = { circuit, token: random(TOKEN_BYTES), network, deadline, openedAt: 0, timer }
    this.#table.set(circuit.key, entry)
    for (const { id } of [source, destination]) this.#peers.add(id)
    this.#networks.add(network)
    this.#waiting.add(destination.id)
    this.#pending += 1
    return entry
  }

  #waitingFor(destination: string, circuitId: Uint8Array): Entry<T> | undefined {
    const entry = this.#table.get(Buffer.from(circuitId).toString('hex'))
    const isTheirs = entry?.circuit.destination.id === destination && entry.circuit.state === 'pending'
    return isTheirs ? entry : undefined
  }

  #open(entry: Entry<T>): void {
    const { clock } = this.#options
    const { circuit } = entry
    this.#settle(entry)
    entry.openedAt = clock.now()
    const durationMs = circuit.terms.duration * 1000
    if (durationMs > 0) entry.timer = clock.after(durationMs, () => circuit.cut(DURATION_LIMIT))
    this.#options.onEvent?.('opened', circuit)
  }

  /** It waits no more. */
  #settle(entry: Entry<T>): void {
    entry.timer?.cancel()
    this.#waiting.drop(entry.circuit.destination.id)
    this.#pending -= 1
  }

  #remove(entry: Entry<T>, end: CircuitEnd): void {
    const { circuit } = entry
    if (end.from === 'open') entry.timer?.cancel()
    else this.#settle(entry)
    this.#table.delete(circuit.key)
    for (const { id } of [circuit.source, circuit.destination]) this.#peers.drop(id)
    this.#networks.drop(entry.network)
    this.#options.onEvent?.(end.from === 'open' ? 'closed' : 'failed', circuit)
    this.#tellPeers(entry, end)
  }

  /** A source knows of its circuit once that is open, a destination from INCOMING on. */
  #tellPeers({ circuit, openedAt }: Entry<T>, { from, status, counts }: CircuitEnd): void {
    const { reservations, clock } = this.#options
    const ms = from === 'open' ? Math.min(Math.round(clock.now() - openedAt), MAX_U32) : 0
    const frame: RelayFrame = { type: 'circuitClosed', status, circuitId: circuit.id, ...counts, ms }
    if (status !== REJECTED) reservations.control(circuit.destination.id)?.send(frame)
    if (from === 'open') reservations.control(circuit.source.id)?.send(frame)
  }
}

const full = (limit: LimitName, retryAfter = 0): RelayRefusal =>
  new RelayRefusal('RESOURCE_LIMIT_EXCEEDED', { limit, retryAfter })
