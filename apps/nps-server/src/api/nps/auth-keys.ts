import { createHash, timingSafeEqual } from 'node:crypto'
import { NpsRefusal } from './nps-refusal.ts'

/** How far the clock of who asks may be off. */
const SKEW_S = 20
/** A key is good for no longer after it was first seen. */
const KEPT_MS = 2 * SKEW_S * 1000 + 1000
/** Of changes, while they could be made again. */
const MAX_CHANGES = 65_536

interface Seen {
  readonly ip: string
  readonly until: number
  /** Digests of what was changed with it. */
  readonly changes: Set<string>
}

/** What every request brings. */
export interface NpsAuth {
  readonly authKey: string
  /** Seconds since 1970, as text. */
  readonly timestamp: string
  readonly ip: string
}

/**
 * The keys of requests to the web API of nps: the MD5 of a secret and the time. One lasts for as long as the clock may be off,
 * and scripts use it for several requests. So whoever overhears one must not get far: it is for the address alone that it first
 * came from, and no change is made twice with it.
 */
export class AuthKeys {
  readonly #secret: string
  readonly #now: () => number
  /** By the time that a key is made of, since there is one for each; in the order in which they came. */
  readonly #seen = new Map<string, Seen>()
  #changes = 0

  /** @param now wall clock, ms */
  constructor(secret: string, now: () => number = Date.now) {
    this.#secret = secret
    this.#now = now
  }

  /** Changes that are remembered. */
  get size(): number {
    return this.#changes
  }

  /** Whether the key is made of the secret, at whatever time. */
  isOurs({ authKey, timestamp }: NpsAuth): boolean {
    const right = createHash('md5').update(this.#secret).update(timestamp).digest('hex')
    return /^\d{1,12}$/.test(timestamp) && isSame(right, authKey.toLowerCase())
  }

  /** Of a key that is ours. @throws NpsRefusal */
  admit({ timestamp, ip }: NpsAuth): void {
    const now = this.#now()
    this.#forget(now)
    if (Math.abs(now / 1000 - Number(timestamp)) > SKEW_S) throw new NpsRefusal('timestamp expired', 401)
    const seen = this.#seen.get(timestamp)
    if (seen === undefined) this.#seen.set(timestamp, { ip, until: now + KEPT_MS, changes: new Set() })
    else if (seen.ip !== ip) throw new NpsRefusal('auth_key was used from another address', 401)
  }

  /** Of an admitted key. @param change all of the request but its key @throws NpsRefusal where it was made before */
  once({ timestamp }: NpsAuth, change: string): void {
    const changes = this.#seen.get(timestamp)?.changes
    const digest = createHash('sha256').update(change).digest('base64')
    if (changes === undefined || changes.has(digest)) throw new NpsRefusal('request was made before', 401)
    if (this.#changes >= MAX_CHANGES) throw new NpsRefusal('too many requests', 429)
    changes.add(digest)
    this.#changes += 1
  }

  #forget(now: number): void {
    for (const [key, { until, changes }] of this.#seen) {
      if (until > now) return
      this.#seen.delete(key)
      this.#changes -= changes.size
    }
  }
}

const isSame = (left: string, right: string): boolean => timingSafeEqual(digest(left), digest(right))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
