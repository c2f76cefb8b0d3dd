import { TokenBucket } from '@sluice/ratelimit'

/** Keys that are remembered at once; beyond that the one that asked longest ago is forgotten. */
const MOST_KEYS = 100_000

/** A rate of requests for each of many keys, such as users or addresses. */
export class RequestRates {
  /** The one that asked longest ago first. */
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #most: number
  #perSecond: number

  /** @param perSecond - for each key, above 0; Infinity: no limit */
  constructor(perSecond: number, most: number = MOST_KEYS) {
    this.#perSecond = perSecond
    this.#most = most
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  /** Another rate from `now` on. */
  set(perSecond: number, now: number): void {
    this.#perSecond = perSecond
    if (perSecond === Infinity) this.#buckets.clear()
    for (const bucket of this.#buckets.values()) bucket.set(this.#limit, now)
  }

  /** One request of `key`. @returns 0: it may go; else ms until it may, and nothing was counted */
  take(key: string, now: number): number {
    if (this.#perSecond === Infinity) return 0
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#limit, now, 1)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    this.#tidy(now)
    if (bucket.tryTake(1, now)) return 0
    return ((1 - bucket.tokensAt(now)) * 1000) / this.#perSecond
  }

  /** A second's worth may come at once, as when a page is opened. */
  get #limit(): { rate: number; burst: number } {
    return { rate: this.#perSecond, burst: Math.max(1, this.#perSecond) }
  }

  /** A full bucket is as good as none. Two a step: more than can come in one. */
  #tidy(now: number): void {
    const { burst } = this.#limit
    for (let i = 0; i < 2; i++) {
      const oldest = this.#buckets.entries().next().value
      if (oldest === undefined) return
      const [key, bucket] = oldest
      const isFull = bucket.tokensAt(now) >= burst
      if ((isFull && this.#buckets.size > 1) || this.#buckets.size > this.#most) this.#buckets.delete(key)
      else return
    }
  }
}
