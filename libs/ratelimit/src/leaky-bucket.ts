import { TokenBucket } from './token-bucket.ts'

/** How fast a {@link LeakyBucket} runs out, and how much it holds. The unit is the caller's. */
export type Leak = {
  /** Units a second; 0: what is in stays in. */
  readonly rate: number
  /** The most units that may be in it at once, the one being served included. */
  readonly capacity: number
}

/**
 * Smooths to a rate and overflows: a queue of which only the length is kept. What it takes goes out in the
 * order it came, one after the other at `rate`; in any window of W seconds it takes at most
 * `capacity + rate * W`. For a queue of at most d ms in front of a rate, capacity is `rate * d / 1000`, but
 * never below the largest single `n`, which would otherwise overflow even when nothing waits.
 *
 * `now` as in {@link TokenBucket}.
 */
export class LeakyBucket {
  // The room left, which fills at the rate the level falls. A time at which it will be empty would be one
  // number as well, but in ms it cannot hold a single byte at 10 GB/s once the clock has run for days.
  readonly #room: TokenBucket
  #rate: number
  #capacity: number

  /** It starts empty. @throws RangeError for a rate or capacity that is negative, NaN or infinite */
  constructor(leak: Leak, now: number) {
    this.#room = new TokenBucket({ rate: leak.rate, burst: leak.capacity }, now, 1)
    this.#rate = leak.rate
    this.#capacity = leak.capacity
  }

  /**
   * Puts `n` in, or nothing at all.
   * @returns ms until its turn, when all before it has run out; 0: now; Infinity: something is before it and
   * the rate is 0; undefined: overflow, not taken
   */
  offer(n: number, now: number): number | undefined {
    const level = this.levelAt(now)
    if (!this.#room.tryTake(n, now)) return undefined
    return level > 0 ? (level * 1000) / this.#rate : 0
  }

  /** The units in it at `now`. */
  levelAt(now: number): number {
    return this.#capacity - this.#room.tokensAt(now)
  }

  /**
   * Another rate and capacity from `now` on. What is in it stays, even above the new capacity; turns already
   * told are the caller's and do not move.
   * @throws RangeError as the constructor
   */
  set(leak: Leak, now: number): void {
    const level = this.levelAt(now)
    this.#room.set({ rate: leak.rate, burst: leak.capacity }, now)
    this.#room.take(this.#room.tokensAt(now) + level - leak.capacity, now)
    this.#rate = leak.rate
    this.#capacity = leak.capacity
  }
}
