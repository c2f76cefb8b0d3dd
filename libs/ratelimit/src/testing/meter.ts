import type { Clock } from '../clock.ts'

/** Adds up grants, and holds them against a rate. */
export class Meter {
  /** Bytes since it was made. */
  bytes = 0
  /** The burst of the smallest token bucket that would have let all this through: what any window had beyond its rate. */
  burst = 0
  /** The fullest of the windows that follow one another, since the last `watch`. */
  fullest = 0
  readonly #clock: Clock
  readonly #rate: number
  #over = 0
  #at: number
  #windowMs = 100
  #window = -1
  #inWindow = 0

  constructor(clock: Clock, rate: number) {
    this.#clock = clock
    this.#rate = rate
    this.#at = clock.now()
  }

  add(bytes: number): void {
    const now = this.#clock.now()
    this.bytes += bytes
    this.#over = Math.max(0, this.#over - ((now - this.#at) * this.#rate) / 1000) + bytes
    this.#at = now
    this.burst = Math.max(this.burst, this.#over)
    const window = Math.floor(now / this.#windowMs)
    if (window !== this.#window) this.#inWindow = 0
    this.#window = window
    this.#inWindow += bytes
    this.fullest = Math.max(this.fullest, this.#inWindow)
  }

  /** Looks at windows of so many milliseconds from now on. */
  watch(windowMs: number): void {
    this.#windowMs = windowMs
    this.#window = -1
    this.fullest = 0
  }
}

/** Jain's index of fairness: 1 where all are equal, 1/n where one of n has everything. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0)
  const squares = values.reduce((total, value) => total + value * value, 0)
  return (sum * sum) / (values.length * squares)
}
