import { checkAmount } from './check.ts'

/** What a bucket allows. The unit is the caller's: bytes, requests, packets. */
export type Limit = {
  /** Units a second, 0 or more; 0: nothing but what the bucket already holds. */
  readonly rate: number
  /** The most units that can be saved up while nobody takes any. */
  readonly burst: number
}

/** The burst in bytes for a rate in bytes/s where none is given: a quarter of a second, at least 64 KiB. */
export function defaultBurst(rate: number): number {
  return Math.max(0.25 * rate, 65_536)
}

/**
 * Allows bursts, then a rate. Refilled lazily: it has no timer and reads no clock.
 *
 * Any window of W seconds carries at most `burst + rate * W` units, if those who are told to wait do, and
 * nobody takes more than `burst` at once (a larger take goes alone, when it is wholly paid). Nothing is
 * rounded, so over any length of time the error stays that of one double: a few parts in 10^16.
 *
 * `now` is in ms of a monotonic clock and may be fractional. A `now` before one already seen counts as that
 * one: no token comes twice, and a caller on a hot path may pass the time it read last and look at the clock
 * only when that is refused.
 */
export class TokenBucket {
  #rate: number
  #burst: number
  // The balance is #tokens + #gained, where #gained came between #since and #last. Adding each small refill to
  // a large balance would lose its low bits every time, so the two are joined only where there is much to add.
  #tokens: number
  #gained = 0
  #since: number
  #last: number

  /**
   * @param fill - the share of the burst it starts with, 0 to 1. Not 1, or every new user would begin with a jolt.
   * @throws RangeError for a rate or burst that is negative, NaN or infinite: without a limit, have no bucket
   */
  constructor(limit: Limit, now: number, fill = 0.25) {
    checkLimit(limit)
    checkAmount('fill', fill, { most: 1 })
    this.#rate = limit.rate
    this.#burst = limit.burst
    this.#tokens = limit.burst * fill
    this.#since = this.#last = now
  }

  /**
   * Takes `n`, whatever there is, and so may leave a debt that later takers wait behind.
   * A negative `n` gives back what was taken and not used; the bucket still holds no more than the burst.
   * @returns ms to wait until the debt is paid; 0: go now; Infinity: there is a debt and the rate is 0
   */
  take(n: number, now: number): number {
    const tokens = this.#advance(now) - n
    this.#tokens -= n
    if (n < 0) this.#tidy()
    return tokens < 0 ? (-tokens * 1000) / this.#rate : 0
  }

  /** Takes `n` if that leaves no debt, else nothing. An `n` above the burst never goes. */
  tryTake(n: number, now: number): boolean {
    if (this.#advance(now) < n) return false
    this.#tokens -= n
    return true
  }

  /** The units there are at `now`, at most the burst; below 0 is a debt. Changes nothing. */
  tokensAt(now: number): number {
    return Math.min(this.#burst, this.#tokens + this.#gainedUntil(Math.max(now, this.#last)))
  }

  /**
   * Another limit from `now` on; time before it counts at the old rate. What is there stays, cut to the new
   * burst: a raise is no present. A debt stays whole: a cut and a raise do not forgive it.
   * @throws RangeError as the constructor
   */
  set(limit: Limit, now: number): void {
    checkLimit(limit)
    this.#moveTo(this.#advance(now))
    this.#rate = limit.rate
    this.#burst = limit.burst
    this.#tokens = Math.min(this.#tokens, limit.burst)
  }

  #gainedUntil(at: number): number {
    return ((at - this.#since) * this.#rate) / 1000
  }

  #advance(now: number): number {
    if (now > this.#last) {
      this.#last = now
      this.#gained = this.#gainedUntil(now)
      this.#tidy()
    }
    return this.#tokens + this.#gained
  }

  #tidy(): void {
    const tokens = this.#tokens + this.#gained
    // Joining is rare enough that the rounding is nothing beside what was gained, and comes soon enough that
    // neither number grows so large that it no longer notices a single unit.
    if (tokens >= this.#burst) this.#moveTo(this.#burst)
    else if (this.#gained >= this.#burst && this.#gained * 2 >= -this.#tokens) this.#moveTo(tokens)
  }

  #moveTo(tokens: number): void {
    this.#tokens = tokens
    this.#since = this.#last
    this.#gained = 0
  }
}

function checkLimit(limit: Limit): void {
  checkAmount('rate', limit.rate)
  checkAmount('burst', limit.burst)
}
