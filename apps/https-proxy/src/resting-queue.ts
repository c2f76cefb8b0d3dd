import {
  type Clock,
  LeakyBucket,
  type QueueGuest,
  type QueuePlace,
  type QueueSlot,
  systemClock,
  type Timer,
} from '@sluice/ratelimit'
import { type Caller, type Code, codeOf } from '@sluice/service'
import type { AdmissionTicket, Slot } from './admission.ts'
import type { TurnQueue } from './watched-queue.ts'

/** Refusals a second beyond which those who are refused rest. */
const PER_SECOND = 1000
/** Retry-After is a second at least: who heeds it notices nothing. */
const MOST_MS = 1000
/** So little is not worth a timer. */
const LEAST_MS = 20

/** Refusals of those who ask too often, or are too many. */
const CODES: ReadonlySet<Code> = new Set<Code>([
  'ADDRESS_RATE_LIMIT',
  'OVERLOADED',
  'QUEUE_FULL',
  'REQUEST_LIMIT',
  'REQUEST_RATE_LIMIT',
])

/**
 * In front of a queue: the next request on a connection whose last one was refused rests a while before it comes to the queue.
 * A refusal costs little, but who asks again at once, whatever they were told, can have thousands of them in a second, and
 * everybody else waits while they are made. So each has a turn: refusals are at once, and come at an even pace where they
 * are many.
 */
export class RestingQueue implements TurnQueue {
  readonly #queue: TurnQueue
  readonly #clock: Clock
  readonly #rests: Rests

  constructor(queue: TurnQueue, clock: Clock = systemClock) {
    this.#queue = queue
    this.#clock = clock
    this.#rests = new Rests(clock)
  }

  /** @returns ms for which the next request of this connection rests; 0: none */
  restMs(caller: Caller): number {
    return Math.max(0, this.#rests.of(caller))
  }

  /** @throws what the queue throws, and the signal's reason */
  async enter(ticket: AdmissionTicket): Promise<Slot> {
    const { caller, signal } = ticket
    const restMs = this.#rests.of(caller)
    if (restMs > 0) await rested(this.#clock, restMs, signal)
    try {
      return await this.#queue.enter(ticket)
    } catch (error) {
      this.#rests.note(caller, error)
      throw error
    }
  }

  /** @throws what the queue throws, where there is no rest before it */
  join(ticket: AdmissionTicket, guest: QueueGuest): QueuePlace | undefined {
    const { caller } = ticket
    const comer = new Comer(caller, guest, this.#rests)
    const restMs = this.#rests.of(caller)
    if (restMs > 0) return comer.rest(this.#clock, restMs, () => this.#queue.join(ticket, comer))
    try {
      return this.#queue.join(ticket, comer)
    } catch (error) {
      this.#rests.note(caller, error)
      throw error
    }
  }
}

/** Which connections rest, and for how long. */
class Rests {
  readonly #clock: Clock
  readonly #turns: LeakyBucket
  /** When each is over. */
  readonly #ends = new WeakMap<Caller, number>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#turns = new LeakyBucket({ rate: PER_SECOND, capacity: (PER_SECOND * MOST_MS) / 1000 }, clock.now())
  }

  /** @returns ms; 0 or less: none */
  of(caller: Caller): number {
    const end = this.#ends.get(caller)
    return end === undefined ? 0 : end - this.#clock.now()
  }

  /** A request on the connection has failed with that. */
  note(caller: Caller, error: unknown): void {
    if (!CODES.has(codeOf(error))) return
    const now = this.#clock.now()
    const restMs = this.#turns.offer(1, now) ?? MOST_MS
    if (restMs >= LEAST_MS) this.#ends.set(caller, now + restMs)
  }
}

const rested = (clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })

/** One who comes to the queue, at once or later. */
class Comer implements QueueGuest, QueuePlace {
  readonly #caller: Caller
  readonly #guest: QueueGuest
  readonly #rests: Rests
  #timer: Timer | undefined = undefined
  #place: QueuePlace | undefined = undefined

  constructor(caller: Caller, guest: QueueGuest, rests: Rests) {
    this.#caller = caller
    this.#guest = guest
    this.#rests = rests
  }

  rest(clock: Clock, ms: number, join: () => QueuePlace | undefined): this {
    this.#timer = clock.after(ms, () => {
      this.#timer = undefined
      try {
        this.#place = join()
      } catch (error) {
        this.onRefused(error as Error)
      }
    })
    return this
  }

  leave(): boolean {
    if (this.#timer === undefined) return this.#place?.leave() ?? false
    this.#timer.cancel()
    return true
  }

  onSlot(slot: QueueSlot): void {
    this.#guest.onSlot(slot)
  }

  onRefused(reason: Error): void {
    this.#rests.note(this.#caller, reason)
    this.#guest.onRefused(reason)
  }
}
