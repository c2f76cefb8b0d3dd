import { type Clock, TokenBucket } from '@sluice/ratelimit'

const MINUTE_S = 60
/** Beyond, those that asked the longest time ago are forgotten. */
const MAX_PEERS = 65_536

/** How often each NodeID asks for circuits, refusals counted. */
export class ConnectRates {
  readonly #clock: Clock
  #perMinute: number
  /** The one that asked last is last. */
  readonly #buckets = new Map<string, TokenBucket>()

  /** @param perMinute and at once after a pause; 0: any number */
  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock
    this.#perMinute = perMinute
  }

  /** Counts one request. @returns ms to wait before one can go; 0: this one may */
  take(id: string): number {
    if (this.#perMinute === 0) return 0
    const now = this.#clock.now()
    const bucket = this.#buckets.get(id) ?? new TokenBucket(this.#limit, now, 1)
    this.#buckets.delete(id)
    this.#buckets.set(id, bucket)
    if (this.#buckets.size > MAX_PEERS) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (bucket.tryTake(1, now)) return 0
    return Math.max(1, ((1 - bucket.tokensAt(now)) * 1000) / this.#limit.rate)
  }

  set(perMinute: number): void {
    this.#perMinute = perMinute
    if (perMinute === 0) this.#buckets.clear()
    for (const bucket of this.#buckets.values()) bucket.set(this.#limit, this.#clock.now())
  }

  get #limit(): { rate: number; burst: number } {
    return { rate: this.#perMinute / MINUTE_S, burst: this.#perMinute }
  }
}
