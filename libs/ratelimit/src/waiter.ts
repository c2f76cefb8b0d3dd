import type { QueueSlot, QueueTicket } from './queue-types.ts'
import type { UserLine } from './queue-user.ts'
import { Linked } from './ring.ts'

/** A waiter in a ring that is not its line. */
export class Mark extends Linked {
  readonly waiter: Waiter

  constructor(waiter: Waiter) {
    super()
    this.waiter = waiter
  }
}

/** How a waiter is told. */
export type Answer = Pick<PromiseWithResolvers<QueueSlot>, 'resolve' | 'reject'>

/** One who waits: in its line. There may be 100,000 at once. */
export class Waiter extends Linked {
  readonly line: UserLine
  readonly since: number
  readonly bytes: number
  readonly label: string | undefined
  /** The so-manieth that came to its line. */
  readonly number: number
  readonly resolve: (slot: QueueSlot) => void
  readonly reject: (reason: unknown) => void
  /** By its age among all. */
  readonly age: Mark = new Mark(this)
  /** By its age among its user's that bring bytes, or that bring none. */
  readonly kin: Mark = new Mark(this)
  /** By what it can be called away, where it can. */
  leash: Leash | undefined

  constructor(line: UserLine, since: number, of: Pick<QueueTicket, 'bytes' | 'label'>, answer: Answer) {
    super()
    this.line = line
    this.since = since
    this.bytes = of.bytes ?? 0
    this.label = of.label
    this.number = ++line.came
    this.resolve = answer.resolve
    this.reject = answer.reject
  }
}

/** Calls a waiter away when a signal is aborted. */
export class Leash {
  readonly #signal: AbortSignal
  readonly #onAbort: (reason: unknown) => void

  constructor(signal: AbortSignal, onAbort: (reason: unknown) => void) {
    this.#signal = signal
    this.#onAbort = onAbort
    signal.addEventListener('abort', this)
  }

  handleEvent(): void {
    this.#onAbort(this.#signal.reason)
  }

  release(): void {
    this.#signal.removeEventListener('abort', this)
  }
}
