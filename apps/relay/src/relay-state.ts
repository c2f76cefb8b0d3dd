import type { Clock } from '@sluice/ratelimit'
import type { RelayStatus } from '@sluice/wire/relay'
import { type CircuitEvent, Circuits } from './circuits.ts'
import type { Circuit } from './circuit.ts'
import type { RelayLimits } from './limits.ts'
import { type Control, type Reservation, type ReservationEvent, Reservations } from './reservations.ts'

export interface RelayStateOptions<C extends Control, T> {
  readonly limits: RelayLimits
  readonly clock: Clock
  /** ms since 1970. */
  readonly wallNow: () => number
  /** So many octets that nobody can guess. */
  readonly random: (size: number) => Uint8Array
  /** The relay's own NodeID in Base58. */
  readonly self: string
  readonly onReservation?: (event: ReservationEvent, reservation: Reservation<C>) => void
  readonly onCircuit?: (event: CircuitEvent, circuit: Circuit<T>) => void
}

/** All that a relay has to remember. `C` is its control conn, `T` what a destination hands to its source. */
export class RelayState<C extends Control = Control, T = unknown> {
  readonly reservations: Reservations<C>
  readonly circuits: Circuits<T>

  constructor({ onReservation, onCircuit, ...shared }: RelayStateOptions<C, T>) {
    this.reservations = new Reservations<C>({ ...shared, ...(onReservation && { onEvent: onReservation }) })
    const { reservations } = this
    this.circuits = new Circuits<T>({ ...shared, reservations, ...(onCircuit && { onEvent: onCircuit }) })
  }

  set(limits: RelayLimits): void {
    this.reservations.set(limits)
    this.circuits.set(limits)
  }

  /** A control conn is gone: its reservation, and the circuits that wait for its answer. Those that run go on. */
  leave(control: C): void {
    if (this.reservations.leave(control)) this.circuits.disconnected(control.peer.id)
  }

  /** Takes a peer's reservation away and sends its control conn off. @returns false where it has none */
  dismiss(id: string, status: RelayStatus): boolean {
    const control = this.reservations.control(id)
    if (control === undefined) return false
    this.leave(control)
    control.dismiss(status)
    return true
  }

  /** Refuses all that is new, or no longer does; what is there goes on. */
  drain(isDraining = true): void {
    this.reservations.drain(isDraining)
    this.circuits.drain(isDraining)
  }
}
