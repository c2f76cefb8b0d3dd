import type { QueueSlot } from './queue-types.ts'
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

/** One who waits: in its line. There may be 100,000 at once. */
export class Waiter extends Linked {
  readonly line: UserLine
  readonly since: number
  readonly bytes: number
  readonly label: string | undefined
  /** The so-manieth that came to its line. */
  readonly number: number
  readonly answer: PromiseWithResolvers<QueueSlot>
  /** By its age among all. */
  readonly age: Mark = new Mark(this)
  /** By its age among its user's that bring bytes, or that bring none. */
  readonly kin: Mark = new Mark(this)
  /** By what it can be called away, where it can. */
  leash: Leash | undefined

  constructor(line: UserLine, since: number, bytes: number, label: string | undefined) {
    super()
    this.line = line
    this.since = since
    this.bytes = bytes
    this.label = label
    this.number = ++line.came
    this.answer = Promise.withResolvers()
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
