import type { Clock, Timer } from '@sluice/ratelimit'
import { clientNetwork } from '@sluice/service'
import { RELAY_STATUS, type RelayFrame, type RelayStatus } from '@sluice/wire/relay'
import { cap, type RelayLimits } from './limits.ts'
import type { RelayPeer } from './relay-peer.ts'
import { RelayRefusal } from './relay-refusal.ts'
import { Tally } from './tally.ts'

/** A conn on which a peer asks for reservations, as the tables see it. */
export interface Control {
  readonly peer: RelayPeer
  /** Neither waits nor throws. */
  send(frame: RelayFrame): void
  /** Says GOAWAY with this status and ends. Neither waits nor throws. */
  dismiss(status: RelayStatus): void
}

/** A peer's leave to be a destination. */
export interface Reservation<C extends Control = Control> {
  /** The one that holds it now. */
  readonly control: C
  /** ms since 1970. */
  readonly since: number
  readonly expiresAt: number
  /** What it was given at the last refresh. */
  readonly ttlMs: number
}

export const RESERVATION_EVENTS = ['opened', 'renewed', 'replaced', 'released', 'expired', 'closed'] as const
/** `replaced`: another conn has taken it over; `closed`: its conn is gone, or was sent away. */
export type ReservationEvent = (typeof RESERVATION_EVENTS)[number]

export interface ReservationsOptions<C extends Control> {
  readonly limits: RelayLimits
  readonly clock: Clock
  /** ms since 1970. */
  readonly wallNow: () => number
  /** The relay's own NodeID in Base58, which can reserve nothing here. */
  readonly self: string
  readonly onEvent?: (event: ReservationEvent, reservation: Reservation<C>) => void
}

/** The shortest life that a peer can wish for. */
const MIN_TTL_MS = 60_000
/** A NodeID may move to another conn so often in so long; beyond, two peers fight over it. */
const MAX_REPLACEMENTS = 3
const FIGHT_MS = 10_000

interface Held<C extends Control> extends Reservation<C> {
  control: C
  expiresAt: number
  ttlMs: number
  /** Of the clock. */
  deadline: number
  /** Where it counts. */
  network: string
}

/** The control conn of a NodeID, with or without a reservation. */
interface Seat<C extends Control> {
  control: C
  /** When others took it, in the last 10 s. */
  replacedAt: number[]
  /** Whether it knows of the fight. */
  warned: boolean
}

/** Who can be reached: at most one reservation and one control conn of each NodeID. An expired one is none, at once. */
export class Reservations<C extends Control = Control> {
  readonly #options: ReservationsOptions<C>
  #limits: RelayLimits
  #draining = false
  readonly #held = new Map<string, Held<C>>()
  readonly #seats = new Map<string, Seat<C>>()
  /** Control conns that can have nothing any more, whatever is still on its way from them. */
  readonly #over = new WeakSet<C>()
  readonly #networks = new Tally()
  /** Not after the first deadline; Infinity where there is none. */
  #earliest = Infinity
  #timer: Timer | undefined = undefined

  constructor(options: ReservationsOptions<C>) {
    this.#options = options
    this.#limits = options.limits
  }

  get size(): number {
    this.#expire()
    return this.#held.size
  }

  /** Client networks that have reservations. */
  get networks(): number {
    this.#expire()
    return this.#networks.size
  }

  /** Control conns. */
  get controls(): number {
    return this.#seats.size
  }

  /** Hold from the next request on; nobody loses what they have. */
  set(limits: RelayLimits): void {
    this.#limits = limits
  }

  /** Nothing more is given, nor refreshed, until it is again. */
  drain(isDraining = true): void {
    this.#draining = isDraining
  }

  /**
   * A new reservation, or a refresh of the one that the peer has, which always has room. Another control conn of the same
   * NodeID is sent away.
   * @param wishMs the wanted life; 0: as long as it goes
   * @throws RelayRefusal RESOURCE_LIMIT_EXCEEDED, RATE_LIMITED, PERMISSION_DENIED, REPLACED, SHUTTING_DOWN
   */
  reserve(control: C, wishMs = 0): Reservation<C> {
    this.#expire()
    const { id } = control.peer
    this.#checkMay(control)
    const before = this.#held.get(id)
    const seat = this.#seats.get(id)
    const rival = seat?.control === control ? undefined : seat
    if (rival !== undefined) this.#checkFight(rival)
    this.#checkRoom(control.peer, before)
    const held = this.#hold(control, before, wishMs)
    this.#tell(before === undefined ? 'opened' : 'renewed', held)
    if (seat === undefined) this.#seats.set(id, { control, replacedAt: [], warned: false })
    else if (rival !== undefined) this.#replace(rival, control, before)
    return held
  }

  /** The peer wants no more circuits; those that run go on. @returns false where the conn holds none */
  release(control: C): boolean {
    const held = this.find(control.peer.id)
    if (held?.control !== control) return false
    this.#drop(control.peer.id, 'released')
    return true
  }

  /** The conn is gone. @returns whether it was the one of its NodeID */
  leave(control: C): boolean {
    this.#expire()
    const { id } = control.peer
    this.#over.add(control)
    if (this.#seats.get(id)?.control !== control) return false
    this.#seats.delete(id)
    this.#drop(id, 'closed')
    return true
  }

  find(id: string): Reservation<C> | undefined {
    this.#expire()
    return this.#held.get(id)
  }

  /** The control conn of a NodeID, even where its reservation is over. */
  control(id: string): C | undefined {
    return this.#seats.get(id)?.control
  }

  list(): readonly Reservation<C>[] {
    this.#expire()
    return [...this.#held.values()]
  }

  #checkMay(control: C): void {
    if (control.peer.id === this.#options.self) throw new RelayRefusal('PERMISSION_DENIED')
    if (this.#over.has(control)) throw new RelayRefusal('REPLACED')
    if (this.#draining) throw new RelayRefusal('SHUTTING_DOWN')
  }

  #checkFight(seat: Seat<C>): void {
    const now = this.#options.clock.now()
    seat.replacedAt = seat.replacedAt.filter((at) => now - at < FIGHT_MS)
    if (seat.replacedAt.length < MAX_REPLACEMENTS) return
    if (!seat.warned) seat.control.send({ type: 'notice', status: RELAY_STATUS.RATE_LIMITED, text: FIGHT })
    seat.warned = true
    const retryAfter = Math.ceil((seat.replacedAt[0]! + FIGHT_MS - now) / 1000)
    throw new RelayRefusal('RATE_LIMITED', { limit: 'replacements', retryAfter })
  }

  #checkRoom({ ip }: RelayPeer, before: Held<C> | undefined): void {
    const { reservations, reservationsPerIp } = this.#limits
    if (before === undefined && this.#held.size >= cap(reservations)) throw full('reservations-total')
    const network = clientNetwork(ip)
    if (before?.network === network) return
    if (this.#networks.of(network) >= cap(reservationsPerIp)) throw full('reservations-ip')
  }

  #hold(control: C, before: Held<C> | undefined, wishMs: number): Held<C> {
    const most = this.#limits.reservationTtlMs
    const ttlMs = wishMs === 0 ? most : Math.min(Math.max(wishMs, MIN_TTL_MS), most)
    const wall = this.#options.wallNow()
    const network = clientNetwork(control.peer.ip)
    const deadline = this.#options.clock.now() + ttlMs
    const fresh = { control, ttlMs, expiresAt: wall + ttlMs, deadline, network }
    if (before !== undefined) this.#networks.drop(before.network)
    this.#networks.add(network)
    const held = before === undefined ? { ...fresh, since: wall } : Object.assign(before, fresh)
    this.#held.set(control.peer.id, held)
    if (deadline < this.#earliest) this.#wake(deadline)
    return held
  }

  #replace(seat: Seat<C>, control: C, before: Held<C> | undefined): void {
    const old = seat.control
    seat.control = control
    seat.replacedAt.push(this.#options.clock.now())
    seat.warned = false
    this.#over.add(old)
    if (before !== undefined) this.#tell('replaced', before)
    old.dismiss(RELAY_STATUS.REPLACED)
  }

  #drop(id: string, event: ReservationEvent): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    this.#held.delete(id)
    this.#networks.drop(held.network)
    if (this.#held.size === 0) this.#wake(Infinity)
    this.#tell(event, held)
  }

  #expire(): void {
    const now = this.#options.clock.now()
    if (now < this.#earliest) return
    const late = [...this.#held.values()].filter(({ deadline }) => deadline <= now)
    for (const { control } of late) this.#drop(control.peer.id, 'expired')
    let next = Infinity
    for (const { deadline } of this.#held.values()) next = Math.min(next, deadline)
    this.#wake(next)
    for (const { control } of late) control.send(EXPIRED)
  }

  #wake(deadline: number): void {
    this.#timer?.cancel()
    this.#earliest = deadline
    this.#timer = undefined
    if (deadline === Infinity) return
    this.#timer = this.#options.clock.after(deadline - this.#options.clock.now(), () => this.#woken())
  }

  /** Timers may come a little early. */
  #woken(): void {
    if (this.#options.clock.now() < this.#earliest) this.#wake(this.#earliest)
    else this.#expire()
  }

  #tell(event: ReservationEvent, reservation: Reservation<C>): void {
    this.#options.onEvent?.(event, reservation)
  }
}

const FIGHT = 'another peer has the same identity and keeps asking for this reservation'
const EXPIRED: RelayFrame = {
  type: 'notice',
  status: RELAY_STATUS.RESERVATION_EXPIRED,
  text: 'the reservation has expired',
}

const full = (limit: 'reservations-total' | 'reservations-ip'): RelayRefusal =>
  new RelayRefusal('RESOURCE_LIMIT_EXCEEDED', { limit })
