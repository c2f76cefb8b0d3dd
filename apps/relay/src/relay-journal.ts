import type { Log } from '@sluice/service'
import { relayStatusName } from '@sluice/wire/relay'
import type { Circuit } from './circuit.ts'
import type { CircuitRun, FarEnd } from './circuit-run.ts'
import type { CircuitEvent } from './circuits.ts'
import type { ControlConn } from './control-conn.ts'
import type { RelayMetrics } from './relay-metrics.ts'
import type { Reservation, ReservationEvent } from './reservations.ts'
import { shortId } from './who.ts'

/** Tells the log and the metrics what becomes of reservations and circuits. Peers are named by the beginning of their ID. */
export class RelayJournal {
  readonly #log: Log
  readonly #metrics: RelayMetrics

  constructor(log: Log, metrics: RelayMetrics) {
    this.#log = log
    this.#metrics = metrics
  }

  reservation(event: ReservationEvent, { control, ttlMs }: Reservation<ControlConn>): void {
    this.#metrics.reservation(event)
    const { id, ip, account } = control.peer
    const fields = { peer: shortId(id), user: account.name, client: ip, ttlMs }
    // A peer refreshes several times in the life of a reservation.
    if (event === 'renewed') this.#log.debug(fields, 'reservation.renewed')
    else this.#log.info(fields, `reservation.${event}`)
  }

  circuit(event: CircuitEvent, circuit: Circuit<FarEnd>): void {
    this.#metrics.circuit(event, circuit)
    if (event === 'failed') this.#log.info(fieldsOf(circuit), 'circuit.failed')
  }

  /** One that was open is over. */
  ended({ circuit, counts }: CircuitRun, ms: number): void {
    const { status = 0 } = circuit
    this.#metrics.lasted(status, ms)
    this.#log.info({ ...fieldsOf(circuit), ...counts, ms: Math.round(ms) }, 'circuit.end')
  }
}

const fieldsOf = ({ key, source, destination, status = 0 }: Circuit<FarEnd>): Record<string, unknown> => ({
  circuit: key,
  source: shortId(source.id),
  destination: shortId(destination.id),
  status: relayStatusName(status),
})
