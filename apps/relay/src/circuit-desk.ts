import { ServiceError } from '@sluice/service'
import { RELAY_STATUS, type RelayFrame, type RelayStatus, type RelayStatusName } from '@sluice/wire/relay'
import type { Circuit } from './circuit.ts'
import { type CircuitEnd, type CircuitLanes, CircuitRun, type FarEnd } from './circuit-run.ts'
import type { Circuits } from './circuits.ts'
import { RelayRefusal } from './relay-refusal.ts'
import { Sweeper } from './sweeper.ts'
import type { Who } from './who.ts'

export interface CircuitDeskOptions {
  readonly circuits: Circuits<FarEnd>
  /** What limits and counts a circuit, until it is disposed of. */
  readonly lanes: (circuit: Circuit<FarEnd>, near: CircuitEnd, far: CircuitEnd) => CircuitLanes & Disposable
  /** How long nothing need pass in a circuit, ms; 0: for ever. */
  readonly idleMs: () => number
  /** Whether a peer is banned, even if it came in before. */
  readonly isOut?: (peer: Who) => boolean
  /** Nobody is told whether a peer is here. */
  readonly hidePresence: () => boolean
  /** The URL of the relay that a peer is at, if that is another. */
  readonly elsewhere?: (peer: string) => Promise<string | undefined> | undefined
  readonly onAnswer?: (status: RelayStatus, ms: number, refusal?: RelayRefusal) => void
  readonly onEnd?: (run: CircuitRun, ms: number) => void
  /** Monotonic, ms. */
  readonly now: () => number
}

/** A peer is at another relay. */
class Elsewhere extends RelayRefusal {
  /** That relay's URL. */
  readonly address: string

  constructor(address: string) {
    super('REDIRECT')
    this.address = address
  }
}

/** Gives peers their circuits, and runs them. */
export class CircuitDesk {
  readonly circuits: Circuits<FarEnd>
  readonly runs: Sweeper<CircuitRun>
  readonly now: () => number
  readonly #options: CircuitDeskOptions

  constructor(options: CircuitDeskOptions) {
    this.#options = options
    this.circuits = options.circuits
    this.now = options.now
    this.runs = new Sweeper(options.now)
  }

  /** @throws RelayRefusal; ServiceError PEER_BANNED */
  connect(source: Who, destination: string): Circuit<FarEnd> | Promise<never> {
    if (this.#options.isOut?.(source)) throw new ServiceError('PEER_BANNED')
    try {
      return this.circuits.connect(source, destination)
    } catch (error) {
      if (!(error instanceof RelayRefusal) || error.code !== 'NO_RESERVATION') throw error
      return this.#notHere(destination, error)
    }
  }

  /** @throws see `CircuitRun.run` */
  async run(circuit: Circuit<FarEnd>, near: CircuitEnd, far: FarEnd): Promise<void> {
    const { lanes, idleMs, now, onEnd } = this.#options
    using both = lanes(circuit, near, far)
    const startedAt = now()
    const run = new CircuitRun({ circuit, near, far, lanes: both, idleMs, now: startedAt })
    this.runs.add(run)
    try {
      await run.run()
    } finally {
      this.runs.delete(run)
      onEnd?.(run, now() - startedAt)
    }
  }

  /** The request that came at `since` was answered. */
  answered(since: number, refusal?: RelayRefusal): void {
    this.#options.onAnswer?.(refusal?.status ?? RELAY_STATUS.OK, this.now() - since, refusal)
  }

  /** The words for a no. */
  refusal(refusal: RelayRefusal): RelayFrame {
    const { retryAfter, reason, status } = refusal
    const words = { type: 'connectRefused', retryAfter: Math.min(retryAfter, 0xffff), address: '' } as const
    if (refusal instanceof Elsewhere) return { ...words, status, reason, address: refusal.address }
    const isHidden = isTelling(refusal) && this.#options.hidePresence()
    return isHidden
      ? { ...words, retryAfter: 0, status: RELAY_STATUS.PERMISSION_DENIED, reason: '' }
      : { ...words, status, reason }
  }

  async #notHere(destination: string, error: RelayRefusal): Promise<never> {
    const address = await this.#options.elsewhere?.(destination)
    throw address === undefined ? error : new Elsewhere(address)
  }
}

/** Whether it tells that the peer is here, or is not: how long the answer takes may still do so. */
const isTelling = ({ code, limit }: RelayRefusal): boolean =>
  TELLING.has(code) || limit === 'circuits-destination' || limit === 'pending'

const TELLING: ReadonlySet<RelayStatusName> = new Set([
  'NO_RESERVATION',
  'REJECTED',
  'TIMEOUT',
  'CONNECTION_FAILED',
])
