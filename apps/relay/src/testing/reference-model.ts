import type { CircuitState } from '../circuit.ts'
import type { RelayLimits } from '../limits.ts'
import type { FakeControl } from './state-world.ts'

/** What a circuit has to be like. */
export interface ModelCircuit {
  readonly from: string
  readonly to: string
  readonly acceptBy: number
  readonly durationMs: number
  state: CircuitState
  openedAt: number
  /** Its time is up, or somebody has cut it: it is to be closed. */
  isCut: boolean
}

interface ModelReservation {
  control: FakeControl
  network: string
  deadline: number
}

/** What the tables have to do, in lists that are searched each time: slow, and too simple to be wrong in the same way. */
export class ReferenceModel {
  now = 0
  limits: RelayLimits
  readonly reservations: Map<string, ModelReservation> = new Map()
  readonly seats: Map<string, { control: FakeControl; replacedAt: number[] }> = new Map()
  readonly over: Set<FakeControl> = new Set()
  circuits: ModelCircuit[] = []

  constructor(limits: RelayLimits) {
    this.limits = limits
  }

  reserve(control: FakeControl, wishMs: number): string {
    const { id, ip } = control.peer
    const seat = this.seats.get(id)
    const isRival = seat !== undefined && seat.control !== control
    const recent = seat?.replacedAt.filter((at) => this.now - at < 10_000) ?? []
    if (this.over.has(control)) return 'REPLACED'
    if (isRival && recent.length >= 3) return 'RATE_LIMITED replacements'
    const refusal = this.#noRoom(id, ip)
    if (refusal !== undefined) return refusal
    const most = this.limits.reservationTtlMs
    const ttl = wishMs === 0 ? most : Math.min(most, Math.max(60_000, wishMs))
    this.reservations.set(id, { control, network: ip, deadline: this.now + ttl })
    if (isRival) this.over.add(seat.control)
    this.seats.set(id, { control, replacedAt: isRival ? [...recent, this.now] : recent })
    return 'OK'
  }

  release(control: FakeControl): boolean {
    if (this.reservations.get(control.peer.id)?.control !== control) return false
    return this.reservations.delete(control.peer.id)
  }

  leave(control: FakeControl): void {
    const { id } = control.peer
    this.over.add(control)
    if (this.seats.get(id)?.control !== control) return
    this.seats.delete(id)
    this.reservations.delete(id)
    for (const circuit of this.circuits) {
      if (circuit.to === id && circuit.state === 'pending') circuit.state = 'closed'
    }
    this.#clean()
  }

  /** The circuit, or why there is none. */
  connect(from: string, to: string): ModelCircuit | string {
    const { circuits, circuitsPerIp, circuitsPerPeer, pendingPerPeer, acceptMs, durationMs } = this.limits
    if (from === to) return 'MALFORMED_MESSAGE'
    if (isFull(this.circuits.length, circuits)) return full('circuits-total')
    // All come from one address.
    if (isFull(this.circuits.length, circuitsPerIp)) return full('circuits-ip')
    if (isFull(this.of(from), circuitsPerPeer)) return full('circuits-source')
    if (!this.reservations.has(to)) return 'NO_RESERVATION'
    if (isFull(this.of(to), circuitsPerPeer)) return full('circuits-destination')
    if (isFull(this.waitingFor(to), pendingPerPeer)) return full('pending')
    const acceptBy = this.now + acceptMs
    const fresh = { state: 'pending', openedAt: 0, isCut: false } as const
    const circuit: ModelCircuit = { from, to, acceptBy, durationMs, ...fresh }
    this.circuits.push(circuit)
    return circuit
  }

  claim(circuit: ModelCircuit): boolean {
    if (circuit.state !== 'pending') return false
    circuit.state = 'accepted'
    return true
  }

  open(circuit: ModelCircuit): boolean {
    if (circuit.state !== 'accepted') return false
    circuit.state = 'open'
    circuit.openedAt = this.now
    return true
  }

  cut(circuit: ModelCircuit): void {
    if (circuit.state === 'open') circuit.isCut = true
    else this.close(circuit)
  }

  close(circuit: ModelCircuit): boolean {
    const wasOpen = circuit.state !== 'closed'
    circuit.state = 'closed'
    this.#clean()
    return wasOpen
  }

  advance(ms: number): void {
    this.now += ms
    for (const [id, { deadline }] of this.reservations) {
      if (deadline <= this.now) this.reservations.delete(id)
    }
    for (const circuit of this.circuits) {
      const isWaiting = circuit.state === 'pending' || circuit.state === 'accepted'
      if (isWaiting && circuit.acceptBy <= this.now) circuit.state = 'closed'
      if (this.#isTimed(circuit) && circuit.openedAt + circuit.durationMs <= this.now) circuit.isCut = true
    }
    this.#clean()
  }

  of(id: string): number {
    return this.circuits.filter(({ from, to }) => from === id || to === id).length
  }

  get pending(): number {
    return this.circuits.filter(({ state }) => state !== 'open').length
  }

  waitingFor(id: string): number {
    return this.circuits.filter(({ to, state }) => to === id && state !== 'open').length
  }

  get networks(): number {
    return new Set([...this.reservations.values()].map(({ network }) => network)).size
  }

  /** One for the reservations, one for each circuit that will end by itself. */
  get timers(): number {
    const running = this.circuits.filter((circuit) => this.#isTimed(circuit))
    const due = running.filter(({ openedAt, durationMs }) => openedAt + durationMs > this.now)
    return Math.min(1, this.reservations.size) + this.pending + due.length
  }

  #isTimed({ state, durationMs }: ModelCircuit): boolean {
    return state === 'open' && durationMs > 0
  }

  #noRoom(id: string, ip: string): string | undefined {
    const before = this.reservations.get(id)
    const { reservations, reservationsPerIp } = this.limits
    const there = [...this.reservations.values()].filter(({ network }) => network === ip)
    if (before === undefined && isFull(this.reservations.size, reservations)) {
      return full('reservations-total')
    }
    const isFullThere = before?.network !== ip && isFull(there.length, reservationsPerIp)
    return isFullThere ? full('reservations-ip') : undefined
  }

  #clean(): void {
    this.circuits = this.circuits.filter(({ state }) => state !== 'closed')
  }
}

const isFull = (count: number, limit: number): boolean => limit > 0 && count >= limit

const full = (limit: string): string => `RESOURCE_LIMIT_EXCEEDED ${limit}`
