import { hash as digest, randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { LRUCache } from 'lru-cache'
import { checkPassword, decoyHash, PASSWORD_COST, PASSWORD_MAX_BYTES } from './password.ts'
import { StoreError } from './store-error.ts'

export interface PasswordVerifierOptions {
  /** Monotonic, ms; by default performance. */
  clock?: { now(): number }
  /** Verified passwords to remember at most; the longest unused goes first. Default 10,000, some 3 MB. */
  max?: number
  /** How long an unused one is remembered, ms. Default 1 h. */
  unusedMs?: number
  /**
   * Checks at the same time. Default 2: they share Node's four pool threads with DNS. On one core 1: two would leave the
   * thread that serves a third of it.
   */
  parallel?: number
  /** Checks that may wait. Default 256. */
  waiting?: number
  /** Cost of the decoy for unknown users, as hashPassword's. */
  cost?: number
  check?: (hash: string, password: Uint8Array) => Promise<boolean>
}

/** On whose behalf a password is checked. */
export interface Attempt {
  /** Where it comes from: equal checks that run at the same time are one only if they come from the same place. */
  readonly from: string
  /** Asked before a password that is not remembered is checked, and again when its turn has come; may throw. */
  admit(): void
  /** The password was wrong. Told once for equal checks that were one. */
  failed(): void
}

const KEY_BYTES = 32
const HOUR_MS = 3_600_000

/**
 * Checks passwords against scrypt hashes and remembers those that were right, so that only a user's first connection
 * pays for scrypt. Remembered is not the password but its SHA-256 with a random key of this process, under the hash it
 * belongs to: a changed credential has another hash and is checked anew. A wrong password is never remembered.
 */
export class PasswordVerifier {
  readonly #verified: LRUCache<string, string>
  readonly #running = new Map<string, Promise<boolean>>()
  readonly #queue: (() => void)[] = []
  readonly #parallel: number
  readonly #waiting: number
  readonly #check: (hash: string, password: Uint8Array) => Promise<boolean>
  readonly #decoy: string
  readonly #keyed: Buffer = Buffer.alloc(KEY_BYTES + PASSWORD_MAX_BYTES)
  #busy = 0
  #closed = false

  constructor(options: PasswordVerifierOptions = {}) {
    const ttl = options.unusedMs ?? HOUR_MS
    const perf = options.clock ?? performance
    this.#verified = new LRUCache({
      max: options.max ?? 10_000,
      ttl,
      ttlResolution: 0,
      updateAgeOnGet: true,
      perf,
    })
    this.#parallel = options.parallel ?? Math.min(2, availableParallelism())
    this.#waiting = options.waiting ?? 256
    this.#check = options.check ?? checkPassword
    this.#decoy = decoyHash(options.cost ?? PASSWORD_COST)
    randomBytes(KEY_BYTES).copy(this.#keyed)
  }

  /**
   * Whether `password` is the one behind `hash`: at once (`true`) where it is remembered, else a promise.
   * Rejects with StoreError AUTH_BUSY where too many wait, and with what `attempt.admit` throws.
   */
  verify(hash: string, password: Uint8Array, attempt: Attempt = UNWATCHED): boolean | Promise<boolean> {
    const mark = password.length > PASSWORD_MAX_BYTES ? undefined : this.#mark(password)
    // How far two digests agree tells nothing to one who lacks the key, so comparing may stop at the first difference.
    if (mark !== undefined && this.#verified.get(hash) === mark) return true
    try {
      attempt.admit()
    } catch (error) {
      return Promise.reject(error)
    }
    if (mark !== undefined) return this.#verifyOnce(hash, mark, password, attempt)
    attempt.failed()
    return false
  }

  /** For a name that is nobody's: always false, and as slow as a wrong password, so that names cannot be guessed. */
  verifyUnknown(password: Uint8Array, attempt?: Attempt): boolean | Promise<boolean> {
    return this.verify(this.#decoy, password, attempt)
  }

  /** Checks that wait would keep a stopped process alive for seconds: they reject with AUTH_BUSY, as new ones do. */
  close(): void {
    this.#closed = true
    for (const next of this.#queue.splice(0)) next()
  }

  // The key stands before the password in one buffer kept for this: an HMAC would cost many times as much, and the
  // weakness it guards against (appending to a known digest) needs a digest that leaves this process.
  #mark(password: Uint8Array): string {
    this.#keyed.set(password, KEY_BYTES)
    const mark = digest('sha256', this.#keyed.subarray(0, KEY_BYTES + password.length), 'base64')
    this.#keyed.fill(0, KEY_BYTES, KEY_BYTES + password.length)
    return mark
  }

  #verifyOnce(hash: string, mark: string, password: Uint8Array, attempt: Attempt): Promise<boolean> {
    const key = `${hash}${mark}${attempt.from}`
    const running = this.#running.get(key)
    if (running !== undefined) return running
    if (this.#queue.length >= this.#waiting)
      return Promise.reject(new StoreError('AUTH_BUSY', `${this.#waiting} password checks wait already`))
    // The caller's buffer may hold something else by the time a slot is free.
    const started = this.#verifySlow(hash, mark, Uint8Array.from(password), attempt).finally(() =>
      this.#running.delete(key),
    )
    this.#running.set(key, started)
    return started
  }

  async #verifySlow(hash: string, mark: string, password: Uint8Array, attempt: Attempt): Promise<boolean> {
    if (this.#busy >= this.#parallel && !this.#closed)
      await new Promise<void>((resolve) => this.#queue.push(resolve))
    else this.#busy += 1
    try {
      if (this.#closed) throw new StoreError('AUTH_BUSY', 'no more passwords are checked')
      attempt.admit()
      if (this.#verified.get(hash) === mark) return true
      const right = await this.#check(hash, password)
      if (right) this.#verified.set(hash, mark)
      else attempt.failed()
      return right
    } finally {
      password.fill(0)
      const next = this.#queue.shift()
      if (next === undefined) this.#busy -= 1
      else next()
    }
  }
}

const UNWATCHED: Attempt = { from: '', admit: () => {}, failed: () => {} }
