import type { RelayFrame } from '@sluice/wire/relay'
import type { Circuit } from './circuit.ts'
import { type CircuitEnd, CircuitRun, type CircuitLanes, type FarEnd } from './circuit-run.ts'
import type { Circuits } from './circuits.ts'
import type { RelayRefusal } from './relay-refusal.ts'
import { Sweeper } from './sweeper.ts'
import type { Who } from './who.ts'

export interface CircuitDeskOptions {
  readonly circuits: Circuits<FarEnd>
  /** What limits and counts a circuit. */
  readonly lanes: (circuit: Circuit<FarEnd>, near: CircuitEnd, far: CircuitEnd) => CircuitLanes & Disposable
  /** How long nothing need pass in a circuit, ms; 0: for ever. */
  readonly idleMs: () => number
  /** Whether it is told that a peer is not here. */
  readonly hidePresence: () => boolean
  /** Monotonic, ms. */
  readonly now: () => number
}

/** Gives peers their circuits, and runs them. */
export class CircuitDesk {
  readonly circuits: Circuits<FarEnd>
  readonly runs: Sweeper<CircuitRun>
  readonly #options: CircuitDeskOptions

  constructor(options: CircuitDeskOptions) {
    this.#options = options
    this.circuits = options.circuits
    this.runs = new Sweeper(options.now)
  }

  /** @throws RelayRefusal */
  connect(source: Who, destination: string): Circuit<FarEnd> | Promise<Circuit<FarEnd>> {
    return this.circuits.connect(source, destination)
  }

  /** @throws see `CircuitRun.run` */
  async run(circuit: Circuit<FarEnd>, near: CircuitEnd, far: FarEnd): Promise<void> {
    const { lanes, idleMs, now } = this.#options
    using both = lanes(circuit, near, far)
    const run = new CircuitRun({ circuit, near, far, lanes: both, idleMs, now: now() })
    this.runs.add(run)
    try {
      await run.run()
    } finally {
      this.runs.delete(run)
    }
  }

  /** The words for a no. */
  refusal({ status, retryAfter, reason }: RelayRefusal): RelayFrame {
    return { type: 'connectRefused', status, retryAfter: Math.min(retryAfter, 0xffff), reason, address: '' }
  }
}
