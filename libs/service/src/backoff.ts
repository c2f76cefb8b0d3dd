import { LRUCache } from 'lru-cache'

/** How many failures in a row are free, and the longest wait after those that are not, ms. */
export interface BackoffLimits {
  readonly failures: number
  readonly maxMs: number
}

const FIRST_MS = 1000
/** Failures are in a row while no more than this lies between one, with its wait, and the next. */
const ROW_MS = 10 * 60_000
const MAX_KEYS = 100_000

interface Row {
  readonly failures: number
  readonly until: number
}

/**
 * Counts failures in a row for each key. From the last free one on, each is followed by a wait of its own: 1 s, then
 * twice as long each time. Holds 100,000 keys; the longest untouched goes first.
 */
export class Backoff {
  limits: BackoffLimits
  readonly #now: () => number
  /** None before the first failure: it takes memory for all keys at once. */
  #rows: LRUCache<string, Row> | undefined = undefined

  /** @param now monotonic, ms */
  constructor(limits: BackoffLimits, now: () => number) {
    this.limits = limits
    this.#now = now
  }

  get size(): number {
    return this.#rows?.size ?? 0
  }

  /** How long this key has to wait still, ms; 0 where it has not. */
  waitMs(key: string): number {
    return Math.max(0, (this.#rows?.get(key)?.until ?? 0) - this.#now())
  }

  /** @returns how many in a row these are now */
  failed(key: string): number {
    const rows = (this.#rows ??= newRows(this.#now))
    const failures = (rows.get(key)?.failures ?? 0) + 1
    const over = failures - this.limits.failures
    const wait = over < 0 ? 0 : Math.min(this.limits.maxMs, FIRST_MS * 2 ** over)
    rows.set(key, { failures, until: this.#now() + wait }, { ttl: ROW_MS + wait })
    return failures
  }

  forget(key: string): void {
    this.#rows?.delete(key)
  }
}

const newRows = (now: () => number): LRUCache<string, Row> =>
  new LRUCache({ max: MAX_KEYS, ttl: ROW_MS, ttlResolution: 0, perf: { now } })
