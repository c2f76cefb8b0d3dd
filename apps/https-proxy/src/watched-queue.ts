import type { Enter } from '@sluice/service/http'
import type { AdmissionTicket, Slot } from './admission.ts'

/** Told how turns go. */
export interface QueueWatch {
  /** Somebody has a slot, having waited so long. */
  waited(ticket: AdmissionTicket, ms: number): void
  /** It was held for so long. */
  held(ticket: AdmissionTicket, ms: number): void
}

/** Where requests of all ways in wait for their turn. */
export class WatchedQueue {
  readonly #queue: { enter(ticket: AdmissionTicket): Promise<Slot> }
  readonly #watch: QueueWatch
  readonly #now: () => number

  /** @param now monotonic, ms @default performance.now */
  constructor(
    queue: { enter(ticket: AdmissionTicket): Promise<Slot> },
    watch: QueueWatch,
    now: () => number = () => performance.now(),
  ) {
    this.#queue = queue
    this.#watch = watch
    this.#now = now
  }

  /** @throws what the queue throws */
  async enter(ticket: AdmissionTicket): Promise<Slot> {
    const slot = await this.#queue.enter(ticket)
    const { waitedMs } = slot
    this.#watch.waited(ticket, waitedMs)
    const startedAt = this.#now()
    let isHeld = true
    return {
      waitedMs,
      [Symbol.dispose]: () => {
        if (!isHeld) return
        isHeld = false
        slot[Symbol.dispose]()
        this.#watch.held(ticket, this.#now() - startedAt)
      },
    }
  }

  /** For requests that are forwarded, and tunnels. */
  forwarded(priority: number): Enter {
    return (caller, bytes, signal) => this.enter({ caller, priority, bytes, signal })
  }
}
