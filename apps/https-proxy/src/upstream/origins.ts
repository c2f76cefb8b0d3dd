import { type ErrorCode, ServiceError } from '@sluice/service'
import { OriginHealth, type OriginHealthOptions } from './origin-health.ts'

export interface OriginsOptions extends OriginHealthOptions {
  /** Requests under way to one origin, of all users. */
  readonly limit: number
}

/** When it is worth another try where an origin has as many as it may: nobody knows how long theirs take. */
const LIMIT_RETRY_MS = 1000

/** There was no conn, whoever asked for whatever. */
const UNREACHABLE = new Set<ErrorCode>([
  'DIAL_REFUSED',
  'DIAL_TIMEOUT',
  'DIAL_UNREACHABLE_HOST',
  'DIAL_UNREACHABLE_NETWORK',
  'DIAL_NAME_UNKNOWN',
  'DIAL_NAME_FAILED',
  'DIAL_FAILED',
  'ORIGIN_UNTRUSTED',
])
/** There was one. What came of it may be due to what was asked, so it is held against the origin for this user alone. */
const UNWELL = new Set<ErrorCode>(['TARGET_RESET', 'RESPONSE_TIMEOUT', 'RESPONSE_INVALID', 'REQUEST_TIMEOUT'])

/** What is under way to each origin, and how well it is. */
export class Origins {
  readonly #limit: number
  readonly #health: OriginHealth
  readonly #running = new Map<string, number>()

  constructor({ limit, ...health }: OriginsOptions) {
    this.#limit = limit
    this.#health = new OriginHealth(health)
  }

  /** Origins that something is under way to. */
  get size(): number {
    return this.#running.size
  }

  get broken(): number {
    return this.#health.open
  }

  /** @throws ServiceError ORIGIN_LIMIT, ORIGIN_BROKEN */
  enter(origin: string, owner: string): OriginVisit {
    const running = this.#running.get(origin) ?? 0
    if (running >= this.#limit) throw new ServiceError('ORIGIN_LIMIT', undefined, { retryMs: LIMIT_RETRY_MS })
    const own = `${owner} ${origin}`
    this.#health.enter(origin)
    try {
      this.#health.enter(own)
    } catch (error) {
      this.#health.left(origin)
      throw error
    }
    this.#running.set(origin, running + 1)
    return new OriginVisit(this.#health, origin, own, () => this.#leave(origin))
  }

  #leave(origin: string): void {
    const running = this.#running.get(origin)! - 1
    if (running > 0) this.#running.set(origin, running)
    else this.#running.delete(origin)
  }
}

/** One request to an origin. */
export class OriginVisit {
  readonly #health: OriginHealth
  readonly #origin: string
  readonly #own: string
  readonly #leave: () => void
  #isConnected = false
  #isAnswered = false

  constructor(health: OriginHealth, origin: string, own: string, leave: () => void) {
    this.#health = health
    this.#origin = origin
    this.#own = own
    this.#leave = leave
  }

  /** There is a conn. */
  connected(): void {
    this.#isConnected = true
    this.#health.succeeded(this.#origin)
  }

  /** There is the head of a response. */
  answered(): void {
    this.#isAnswered = true
    this.#health.succeeded(this.#own)
  }

  /** It is over, at most once. @param code why there was no answer, or not all of it */
  end(code: ErrorCode | undefined): void {
    this.#leave()
    if (!this.#isConnected) this.#tell(this.#origin, code, UNREACHABLE)
    if (!this.#isAnswered) this.#tell(this.#own, this.#isConnected ? code : undefined, UNWELL)
  }

  #tell(key: string, code: ErrorCode | undefined, failures: ReadonlySet<ErrorCode>): void {
    if (code !== undefined && failures.has(code)) this.#health.failed(key)
    else this.#health.left(key)
  }
}
