import { LRUCache } from 'lru-cache'
import { dialCode, NetError } from '../net-error.ts'
import type { Answer, NameSource } from './name-source.ts'

/** How a lookup ended: `unknown` where there is no such name or address, `failed` where nobody could say. */
export type LookupResult = 'ok' | 'unknown' | 'failed'

export interface ResolverOptions {
  /** Whom to ask for a name, which is in lower case. */
  readonly sourceOf: (name: string) => NameSource
  /** Puts the addresses of a name in the order in which they are to be tried. */
  readonly order: (ips: readonly string[]) => readonly string[]
  /** Monotonic, ms. @default performance */
  readonly clock?: { now(): number }
  /** A source has answered, or none has; `ms` from the question, the wait for a turn included. */
  readonly onLookup?: (result: LookupResult, ms: number) => void
  /** A question was answered from the cache, or joined one that is under way. */
  readonly onHit?: () => void
}

const MAX_NAMES = 10_000
const MIN_TTL_MS = 1000
const MAX_TTL_MS = 3_600_000
/** DNS has no longer names (253 and a final dot), and C resolvers end a name at a NUL. */
const NAME = /^[^\0]{1,254}$/

/** A name that is being looked up, and how many wait for it. */
interface Lookup {
  readonly source: NameSource
  readonly answer: Promise<readonly string[]>
  readonly start: () => void
  waiting: number
}

/**
 * Names to addresses, remembered as long as the answer may be kept: at least 1 s, at most 1 h. Equal questions that are
 * under way are one; who gives up does so alone, and a lookup that nobody waits for any more is not begun.
 */
export class Resolver {
  readonly #options: ResolverOptions
  readonly #clock: { now(): number }
  readonly #known: LRUCache<string, readonly string[]>
  readonly #running = new Map<string, Lookup>()

  /** Most callers want `createResolver`. */
  constructor(options: ResolverOptions) {
    this.#options = options
    this.#clock = options.clock ?? performance
    this.#known = new LRUCache({ max: MAX_NAMES, ttl: MIN_TTL_MS, ttlResolution: 0, perf: this.#clock })
  }

  /**
   * @returns at least one address, the best first
   * @throws NetError DIAL_NAME_UNKNOWN, DIAL_NAME_FAILED, DIAL_LOCAL_LIMIT or DIAL_FAILED; the signal's reason
   */
  async resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted()
    if (!NAME.test(name)) throw new NetError('DIAL_NAME_UNKNOWN', 'no name can be like this')
    const key = name.toLowerCase()
    const known = this.#known.get(key)
    return present(name, known === undefined ? await this.#ask(key, signal) : this.#hit(known))
  }

  async #ask(key: string, signal: AbortSignal): Promise<readonly string[]> {
    const running = this.#running.get(key)
    const lookup = running === undefined ? this.#begin(key) : this.#hit(running)
    lookup.waiting += 1
    try {
      return await unlessAborted(lookup.answer, signal)
    } finally {
      lookup.waiting -= 1
      if (lookup.waiting === 0 && lookup.source.line.leave(lookup.start)) this.#running.delete(key)
    }
  }

  #hit<T>(value: T): T {
    this.#options.onHit?.()
    return value
  }

  #begin(key: string): Lookup {
    const source = this.#options.sourceOf(key)
    const startedAt = this.#clock.now()
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    const told = (result: LookupResult): void => {
      this.#running.delete(key)
      this.#options.onLookup?.(result, this.#clock.now() - startedAt)
    }
    const run = async (): Promise<void> => {
      try {
        const answer = await source.ask(key)
        told(answer.ips.length > 0 ? 'ok' : 'unknown')
        resolve(this.#keep(key, answer))
      } catch (error) {
        told('failed')
        reject(failure(key, error))
      } finally {
        source.line.done()
      }
    }
    const start = (): void => void run()
    const lookup = { source, answer: promise, start, waiting: 0 }
    this.#running.set(key, lookup)
    if (source.line.enter(start)) return lookup
    told('failed')
    reject(new NetError('DIAL_NAME_FAILED', `${key}: too many names are being looked up`))
    return lookup
  }

  #keep(key: string, { ips, ttlMs }: Answer): readonly string[] {
    const ordered = this.#options.order(ips)
    this.#known.set(key, ordered, { ttl: Math.min(Math.max(ttlMs, MIN_TTL_MS), MAX_TTL_MS) })
    return ordered
  }
}

const present = (name: string, ips: readonly string[]): readonly string[] => {
  if (ips.length > 0) return ips
  throw new NetError('DIAL_NAME_UNKNOWN', `${name} has no address`)
}

const failure = (name: string, cause: unknown): NetError =>
  cause instanceof NetError
    ? cause
    : new NetError(dialCode([cause]), `${name}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      })

const unlessAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    const letGo = (): void => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.finally(letGo).then(resolve, reject)
  })
