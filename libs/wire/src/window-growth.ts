/**
 * How large a receive window should be: it doubles when half of it was consumed within two round trips, since then it may be what
 * holds the sender back. A reader that is slow lets it be.
 */
export class WindowGrowth {
  readonly #max: number
  #size: number
  #consumed = 0
  #since: number | undefined

  /** In octets. */
  constructor(initial: number, max: number) {
    this.#size = initial
    this.#max = max
  }

  get size(): number {
    return this.#size
  }

  /** @param nowMs of a clock that never goes back @param rttMs 0 while it is not known, which lets nothing grow */
  consumed(octets: number, nowMs: number, rttMs: number): void {
    this.#since ??= nowMs
    this.#consumed += octets
    if (this.#consumed < this.#size / 2) return
    if (nowMs - this.#since < 2 * rttMs) this.#size = Math.min(this.#max, this.#size * 2)
    this.#consumed = 0
    this.#since = nowMs
  }
}
