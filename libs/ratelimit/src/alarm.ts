import type { Clock, Timer } from './clock.ts'

/** One timer, that is set anew for what comes sooner. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: Timer | undefined = undefined
  #at = Infinity

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Unless it rings sooner already. @param leastMs from `now`, even where `at` is past */
  set(at: number, now: number, leastMs: number): void {
    if (this.#timer !== undefined && this.#at <= at) return
    this.stop()
    this.#at = at
    this.#timer = this.#clock.after(Math.max(leastMs, at - now), () => {
      this.#timer = undefined
      this.#ring()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
