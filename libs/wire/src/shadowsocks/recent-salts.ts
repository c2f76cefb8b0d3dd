/**
 * How long a salt is kept at least. Its timestamp, in whole seconds, is good from 30 s before to 30 s after: by a clock that
 * is ahead, for 61 s (SIP022 §3.1.5).
 */
const KEEP_MS = 62_000

export interface RecentSaltsOptions {
  /** At most so many are kept: beyond that no salt is new, for none may be forgotten early. @default 1_000_000 */
  readonly capacity?: number
}

/**
 * The salts of SIP022 of the last minute, exactly: none is taken twice, and none for another. They go by the
 * minute, all at once, so that each is kept for one to two of them.
 */
export class RecentSalts {
  readonly #capacity: number
  #now = new Set<string>()
  #before = new Set<string>()
  #sinceMs: number | undefined

  constructor({ capacity = 1_000_000 }: RecentSaltsOptions = {}) {
    this.#capacity = capacity
  }

  /** How many are kept. */
  get size(): number {
    return this.#now.size + this.#before.size
  }

  /**
   * Keeps the salt of an authentic request whose timestamp was found good.
   * @param nowMs a clock that never goes back
   * @returns whether it is new
   */
  add(salt: Uint8Array, nowMs: number): boolean {
    this.#turn(nowMs)
    const key = Buffer.from(salt.buffer, salt.byteOffset, salt.length).toString('latin1')
    if (this.#before.has(key) || this.#now.has(key) || this.size >= this.#capacity) return false
    this.#now.add(key)
    return true
  }

  #turn(nowMs: number): void {
    this.#sinceMs ??= nowMs
    const ageMs = nowMs - this.#sinceMs
    if (ageMs < KEEP_MS) return
    this.#before = ageMs < 2 * KEEP_MS ? this.#now : new Set()
    this.#now = new Set()
    this.#sinceMs = nowMs
  }
}
