import type { QueueSlot } from './queue-types.ts'
import type { UserLine } from './queue-user.ts'

/** A slot as its holder has it. */
export class HeldSlot implements QueueSlot {
  readonly line: UserLine
  /** What it was thought to cost. */
  readonly costMs: number
  readonly startedAt: number
  readonly waitedMs: number
  #onLeft: ((slot: HeldSlot) => void) | undefined

  constructor(
    line: UserLine,
    costMs: number,
    times: { readonly since: number; readonly now: number },
    onLeft: (slot: HeldSlot) => void,
  ) {
    this.line = line
    this.costMs = costMs
    this.startedAt = times.now
    this.waitedMs = times.now - times.since
    this.#onLeft = onLeft
  }

  [Symbol.dispose](): void {
    const onLeft = this.#onLeft
    this.#onLeft = undefined
    onLeft?.(this)
  }
}
