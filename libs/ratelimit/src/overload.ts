/** Whoever has waited for so many times the target is not worth a slot any more. */
const TOO_LATE = 3

/**
 * Standing overload, as CoDel (RFC 8289) sees it: not that somebody waits for longer than the target, but that for
 * as long as that somebody always has. It is over when for as long nobody has waited for half of it.
 */
export class Overload {
  #targetMs: number
  /** Since when somebody has always waited too long. */
  #since = Infinity
  /** Since when nobody has waited for half of it. */
  #calmSince = Infinity
  #isStanding = false

  constructor(targetMs: number) {
    this.#targetMs = targetMs
  }

  get targetMs(): number {
    return this.#targetMs
  }

  set targetMs(targetMs: number) {
    if (targetMs === this.#targetMs) return
    this.#targetMs = targetMs
    this.#since = this.#calmSince = Infinity
    this.#isStanding = false
  }

  /** @param oldestMs how long the oldest has waited; 0: nobody waits */
  isStanding(now: number, oldestMs: number): boolean {
    const targetMs = this.#targetMs
    if (oldestMs <= targetMs) this.#since = Infinity
    else this.#since = Math.min(this.#since, now - oldestMs + targetMs)
    if (oldestMs < targetMs / 2) this.#calmSince = Math.min(this.#calmSince, now)
    else this.#calmSince = Infinity
    if (now - this.#since >= targetMs) this.#isStanding = true
    else if (now - this.#calmSince >= targetMs) this.#isStanding = false
    return this.#isStanding
  }

  /** Whether somebody who has waited for so long is to go without a slot. */
  isTooLate(waitedMs: number): boolean {
    return this.#isStanding && waitedMs > TOO_LATE * this.#targetMs
  }
}
