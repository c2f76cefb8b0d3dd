import type { Clock, Timer } from '../clock.ts'

/** The time of another clock, whose timers come late as those of a busy event loop do; its next turn does not. */
export class LateClock implements Clock {
  readonly #clock: Clock
  readonly #lateMs: () => number

  constructor(clock: Clock, lateMs: () => number) {
    this.#clock = clock
    this.#lateMs = lateMs
  }

  now(): number {
    return this.#clock.now()
  }

  after(ms: number, fn: () => void): Timer {
    return this.#clock.after(ms <= 0 ? 0 : ms + this.#lateMs(), fn)
  }
}
