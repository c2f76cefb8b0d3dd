import type { QueueGuest, QueuePlace, QueueTicket } from './queue-types.ts'
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

/** Where a waiter waits. */
export interface WaitedFor {
  /** It does not want to any more. */
  callAway(waiter: Waiter): void
}

/** One who waits: in its line. There may be 100,000 at once. */
export class Waiter extends Linked implements QueuePlace {
  readonly line: UserLine
  readonly since: number
  readonly bytes: number
  readonly label: string | undefined
  /** The so-manieth that came to its line. */
  readonly number: number
  readonly guest: QueueGuest
  /** By its age among all. */
  readonly age: Mark = new Mark(this)
  /** By its age among its user's that bring bytes, or that bring none. */
  readonly kin: Mark = new Mark(this)
  readonly #queue: WaitedFor

  constructor(
    line: UserLine,
    since: number,
    of: Pick<QueueTicket, 'bytes' | 'label'>,
    guest: QueueGuest,
    queue: WaitedFor,
  ) {
    super()
    this.line = line
    this.since = since
    this.bytes = of.bytes ?? 0
    this.label = of.label
    this.number = ++line.came
    this.guest = guest
    this.#queue = queue
  }

  leave(): boolean {
    if (this.ring === undefined) return false
    this.#queue.callAway(this)
    return true
  }
}
