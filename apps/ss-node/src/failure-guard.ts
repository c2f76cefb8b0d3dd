import { type Limit, TokenBucket } from '@sluice/ratelimit'
import { clientNetwork } from '@sluice/service'

/** Keys that may be tried for one client network: so many at once, and in a second. */
const TRIALS: Limit = { rate: 1000, burst: 20_000 }
const MAX_NETWORKS = 65_536

/**
 * What strangers cost: each client network, an IPv4 address or an IPv6 /64, may have so many keys tried in vain. Who is
 * known where they come from needs no such leave, and who turns out to have a key gets back what it took.
 */
export class FailureGuard {
  readonly #now: () => number
  readonly #limit: Limit
  readonly #networkOf: (ip: string) => string
  /** The one that was asked for last is last. */
  readonly #buckets = new Map<string, TokenBucket>()

  /**
   * @param now monotonic, ms
   * @param networkOf who has a bucket in common
   */
  constructor(
    now: () => number = () => performance.now(),
    limit: Limit = TRIALS,
    networkOf: (ip: string) => string = clientNetwork,
  ) {
    this.#now = now
    this.#limit = limit
    this.#networkOf = networkOf
  }

  /** Takes leave to try so many keys for a client at `ip`; where there is none the client is to be refused untried. */
  take(ip: string, trials: number): boolean {
    return this.#bucket(this.#networkOf(ip)).tryTake(this.#priced(trials), this.#now())
  }

  /** It had a key. */
  giveBack(ip: string, trials: number): void {
    this.#bucket(this.#networkOf(ip)).take(-this.#priced(trials), this.#now())
  }

  /** More than a bucket holds would never go. */
  #priced(trials: number): number {
    return Math.min(trials, this.#limit.burst)
  }

  #bucket(network: string): TokenBucket {
    const bucket = this.#buckets.get(network) ?? new TokenBucket(this.#limit, this.#now(), 1)
    this.#buckets.delete(network)
    this.#buckets.set(network, bucket)
    if (this.#buckets.size > MAX_NETWORKS) this.#buckets.delete(this.#buckets.keys().next().value!)
    return bucket
  }
}
