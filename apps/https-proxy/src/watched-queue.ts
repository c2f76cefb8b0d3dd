import type { Enter } from '@sluice/service/http'
import type { QueueGuest, QueuePlace } from '@sluice/ratelimit'
import type { AdmissionTicket, Slot } from './admission.ts'

/** Told how turns go. */
export interface QueueWatch {
  /** Somebody has a slot, having waited so long. */
  waited(ticket: AdmissionTicket, ms: number): void
  /** It was held for so long. */
  held(ticket: AdmissionTicket, ms: number): void
}

/** Where turns are given out. */
export interface TurnQueue {
  enter(ticket: AdmissionTicket): Promise<Slot>
  join(ticket: AdmissionTicket, guest: QueueGuest): QueuePlace | undefined
}

/** Where requests of all ways in wait for their turn. */
export class WatchedQueue implements TurnQueue {
  readonly #queue: TurnQueue
  readonly #watch: QueueWatch
  readonly #now: () => number

  /** @param now monotonic, ms @default performance.now */
  constructor(queue: TurnQueue, watch: QueueWatch, now: () => number = () => performance.now()) {
    this.#queue = queue
    this.#watch = watch
    this.#now = now
  }

  /** @throws what the queue throws */
  async enter(ticket: AdmissionTicket): Promise<Slot> {
    const turn = new Turn(ticket, this.#watch, this.#now, undefined)
    turn.begin(await this.#queue.enter(ticket))
    return turn
  }

  /** @throws what the queue throws */
  join(ticket: AdmissionTicket, guest: QueueGuest): QueuePlace | undefined {
    return this.#queue.join(ticket, new Turn(ticket, this.#watch, this.#now, guest))
  }

  /** For requests that are forwarded, and tunnels. */
  forwarded(priority: number): Enter {
    return (caller, bytes, signal) => this.enter({ caller, priority, bytes, signal })
  }
}

/** One ticket's turn, from its place in the queue to its end. */
class Turn implements QueueGuest, Slot {
  waitedMs = 0
  readonly #ticket: AdmissionTicket
  readonly #watch: QueueWatch
  readonly #now: () => number
  readonly #guest: QueueGuest | undefined
  #slot: Slot | undefined = undefined
  #startedAt = 0

  constructor(ticket: AdmissionTicket, watch: QueueWatch, now: () => number, guest: QueueGuest | undefined) {
    this.#ticket = ticket
    this.#watch = watch
    this.#now = now
    this.#guest = guest
  }

  begin(slot: Slot): void {
    this.#slot = slot
    this.waitedMs = slot.waitedMs
    this.#watch.waited(this.#ticket, slot.waitedMs)
    this.#startedAt = this.#now()
  }

  onSlot(slot: Slot): void {
    this.begin(slot)
    this.#guest!.onSlot(this)
  }

  onRefused(reason: Error): void {
    this.#guest!.onRefused(reason)
  }

  [Symbol.dispose](): void {
    const slot = this.#slot
    if (slot === undefined) return
    this.#slot = undefined
    slot[Symbol.dispose]()
    this.#watch.held(this.#ticket, this.#now() - this.#startedAt)
  }
}
