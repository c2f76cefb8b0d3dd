import type { Metrics, Observer } from '@sluice/metrics'
import { type RelayStatus, relayStatusName } from '@sluice/wire/relay'
import type { Circuit } from './circuit.ts'
import type { CircuitEvent } from './circuits.ts'
import { RELAY_METRICS, type RelayMetricName } from './relay-metric-rows.ts'
import type { RelayRefusal } from './relay-refusal.ts'
import type { ReservationEvent } from './reservations.ts'

/** Asked at each scrape. */
export interface RelaySources {
  readonly reservations: () => number
  readonly controls: () => number
  readonly open: () => number
  readonly pending: () => number
  readonly bans: () => number
}

type Labels = Readonly<Record<string, string>>

/** Plain counts by their labels, for a scrape to read. */
class Counts {
  readonly #counts = new Map<string, { labels: Labels; count: number }>()

  bump(labels: Labels): void {
    const key = Object.values(labels).join(' ')
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { labels, count: 1 })
    else known.count += 1
  }

  *samples(): Iterable<readonly [Labels, number]> {
    for (const { labels, count } of this.#counts.values()) yield [labels, count]
  }
}

/** What the relay counts besides what every program does. To be made once for a program. */
export class RelayMetrics {
  readonly #reservations = new Counts()
  readonly #reservationRequests = new Counts()
  readonly #circuits = new Counts()
  readonly #connects = new Counts()
  readonly #limits = new Counts()
  readonly #setup: (result: string) => Observer
  readonly #duration: (status: string) => Observer

  constructor(metrics: Pick<Metrics, 'show' | 'histogram'>, sources: RelaySources) {
    const show = (name: RelayMetricName, samples: () => Iterable<readonly [Labels, number]>): void =>
      metrics.show(RELAY_METRICS[name], samples)
    show('reservations', () => [[{}, sources.reservations()]])
    show('reservationEvents', () => this.#reservations.samples())
    show('reservationRequests', () => this.#reservationRequests.samples())
    show('controls', () => [[{}, sources.controls()]])
    show('circuits', () => [
      [{ state: 'open' }, sources.open()],
      [{ state: 'pending' }, sources.pending()],
    ])
    show('circuitEvents', () => this.#circuits.samples())
    show('connectRequests', () => this.#connects.samples())
    show('limitRejections', () => this.#limits.samples())
    show('bans', () => [[{}, sources.bans()]])
    this.#setup = metrics.histogram(RELAY_METRICS.setup)
    this.#duration = metrics.histogram(RELAY_METRICS.duration)
  }

  reservation(event: ReservationEvent): void {
    this.#reservations.bump({ event })
  }

  /** A request for a reservation was answered. */
  reserved(status: RelayStatus, refusal?: RelayRefusal): void {
    this.#reservationRequests.bump({ status: relayStatusName(status) })
    this.#refused(refusal)
  }

  circuit(event: CircuitEvent, { status = 0 }: Pick<Circuit, 'status'>): void {
    this.#circuits.bump({ event, status: relayStatusName(status) })
  }

  /** A request for a circuit was answered after `ms`. */
  connected(status: RelayStatus, ms: number, refusal?: RelayRefusal): void {
    this.#connects.bump({ status: relayStatusName(status) })
    this.#setup(status === 0 ? 'opened' : 'refused').observe(ms / 1000)
    this.#refused(refusal)
  }

  /** A circuit that was open is over. */
  lasted(status: RelayStatus, ms: number): void {
    this.#duration(relayStatusName(status)).observe(ms / 1000)
  }

  #refused(refusal: RelayRefusal | undefined): void {
    if (refusal?.limit !== undefined) this.#limits.bump({ limit: refusal.limit })
  }
}
