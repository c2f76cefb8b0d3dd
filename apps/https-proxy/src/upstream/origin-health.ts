import { ServiceError } from '@sluice/service'
import { LRUCache } from 'lru-cache'

export interface OriginHealthOptions {
  /** Failures in a row after which an origin is left alone; 0: never. */
  readonly failures: number
  /** For how long the first time; each further time twice as long, up to a minute. */
  readonly openMs: number
  /** Monotonic, ms. */
  readonly now: () => number
}

const MAX_OPEN_MS = 60_000
/** As many that have failed lately are known. */
const MAX_KEYS = 10_000

interface State {
  failures: number
  openMs: number
  /** Nobody is let through before; 0: it is closed. */
  openUntil: number
  /** One is under way to see whether it is well again. */
  probing: boolean
}

/**
 * A circuit breaker for each key. After some failures in a row requests fail at once for a while; then one may try,
 * and its outcome is that of all. Knows only keys that have failed.
 */
export class OriginHealth {
  readonly #options: OriginHealthOptions
  readonly #states = new LRUCache<string, State>({ max: MAX_KEYS })

  constructor(options: OriginHealthOptions) {
    this.#options = options
  }

  /** Keys that are left alone now. */
  get open(): number {
    let count = 0
    for (const { openUntil } of this.#states.values()) if (openUntil > 0) count += 1
    return count
  }

  /**
   * Before each request, whose outcome must be told by one of the others.
   * @throws ServiceError ORIGIN_BROKEN, with when it is worth another try
   */
  enter(key: string): void {
    const state = this.#states.get(key)
    if (state === undefined || state.openUntil === 0) return
    const leftMs = state.openUntil - this.#options.now()
    if (leftMs > 0 || state.probing) throw refusal(Math.max(leftMs, state.probing ? state.openMs : 0))
    state.probing = true
  }

  succeeded(key: string): void {
    this.#states.delete(key)
  }

  failed(key: string): void {
    const { failures, openMs, now } = this.#options
    if (failures === 0) return
    const state = this.#states.get(key) ?? { failures: 0, openMs: openMs / 2, openUntil: 0, probing: false }
    state.failures += 1
    if (state.probing || (state.failures >= failures && state.openUntil === 0)) {
      state.openMs = Math.min(state.openMs * 2, MAX_OPEN_MS)
      state.openUntil = now() + state.openMs
    }
    state.probing = false
    this.#states.set(key, state)
  }

  /** Neither: nobody knows. */
  left(key: string): void {
    const state = this.#states.get(key)
    if (state !== undefined) state.probing = false
  }
}

const refusal = (retryMs: number): ServiceError => new ServiceError('ORIGIN_BROKEN', undefined, { retryMs })
