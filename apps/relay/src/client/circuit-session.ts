import { type Conn, type Lane, Relay } from '@sluice/net'
import type { DoorMetrics } from '@sluice/metrics'
import type { Log } from '@sluice/service'
import { type Outcome, outcomeOf } from './outcome.ts'

/** What passes through all circuits of a program. */
export interface Traffic {
  open: number
  up: number
  down: number
}

export interface CircuitSessionParts {
  /** What its line in the log says of where it is. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly log: Log
  readonly metrics: DoorMetrics
  readonly traffic: Traffic
}

/** One circuit of a program and the local conn that it carries, up to its line in the log. Up is source to destination. */
export class CircuitSession {
  readonly #parts: CircuitSessionParts
  readonly #startedAt = performance.now()
  readonly #bytes = { up: 0, down: 0 }
  #fields: Readonly<Record<string, unknown>>
  #relay: Relay | undefined = undefined
  #isCut: Error | undefined = undefined

  constructor(parts: CircuitSessionParts) {
    this.#parts = parts
    this.#fields = parts.fields
    parts.metrics.opened()
    parts.traffic.open++
  }

  get isCarrying(): boolean {
    return this.#relay !== undefined
  }

  /** Adds to its line in the log. */
  note(fields: Readonly<Record<string, unknown>>): void {
    this.#fields = { ...this.#fields, ...fields }
  }

  /** Until both have ended. @throws where one of them broke, or it was cut */
  async carry(source: Conn, destination: Conn): Promise<void> {
    this.#relay = new Relay(source, destination, { up: this.#lane('up'), down: this.#lane('down') })
    const running = this.#relay.run()
    if (this.#isCut !== undefined) this.#relay.cut(this.#isCut)
    await running
  }

  cut(error: Error): void {
    this.#isCut = error
    this.#relay?.cut(error)
  }

  /** @param error none: it went well */
  over(error?: unknown): Outcome {
    const { log, metrics, traffic } = this.#parts
    const outcome = outcomeOf(error)
    if (outcome.code === 'INTERNAL') log.error({ err: error }, 'session.failed')
    const ms = performance.now() - this.#startedAt
    traffic.open--
    metrics.relayed(this.#bytes)
    metrics.ended(outcome.code, ms)
    log.info({ ...this.#fields, ...outcome, ...this.#bytes, ms: Math.round(ms) }, 'session.end')
    return outcome
  }

  #lane(direction: 'up' | 'down'): Lane {
    const { traffic } = this.#parts
    const bytes = this.#bytes
    return {
      limiter: undefined,
      onGrant: (): void => {},
      count: (size): void => {
        bytes[direction] += size
        traffic[direction] += size
      },
    }
  }
}
