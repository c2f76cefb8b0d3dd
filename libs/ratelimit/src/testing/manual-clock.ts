import type { Clock, Timer } from '../clock.ts'

type Pending = { readonly at: number; readonly fn: () => void }

/** More callbacks than that in one instant are a loop that waits for time to pass. */
const maxCallsAtOnce = 1_000_000

/** A clock for tests: it moves only by {@link ManualClock.advance}, and then runs what is due in order. */
export class ManualClock implements Clock {
  #now: number
  readonly #pending = new Set<Pending>()

  constructor(now = 0) {
    this.#now = now
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#pending.size
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): Timer {
    const pending = { at: this.#now + ms, fn }
    this.#pending.add(pending)
    return { cancel: () => void this.#pending.delete(pending) }
  }

  /**
   * Moves on by `ms`, stopping at each timer that falls due, those set on the way too; of two due at once the
   * one set first comes first. Promise callbacks do not run in between: await something for those.
   * @throws Error when callbacks keep setting timers for the very moment they run in
   */
  advance(ms: number): void {
    const end = this.#now + ms
    let calls = 0
    for (let next = this.#next(end); next; next = this.#next(end)) {
      calls = next.at > this.#now ? 0 : calls + 1
      if (calls > maxCallsAtOnce) throw new Error(`timers stand still at ${this.#now} ms`)
      this.#now = Math.max(this.#now, next.at)
      this.#pending.delete(next)
      next.fn()
    }
    this.#now = Math.max(this.#now, end)
  }

  #next(end: number): Pending | undefined {
    let next: Pending | undefined
    for (const pending of this.#pending) {
      if (pending.at <= end && (!next || pending.at < next.at)) next = pending
    }
    return next
  }
}
