/**
 * How long a salt is kept at least. Its timestamp, in whole seconds, is good from 30 s before to 30 s after: by a clock that
 * is ahead, for 61 s (SIP022 §3.1.5).
 */
const KEEP_MS = 62_000

export interface RecentSaltsOptions {
  /** At most so many are kept: beyond that no salt is new, for none may be forgotten early. @default 1_000_000 */
  readonly capacity?: number
}

/** Nobody has more than so many times what is free, so that who comes next always finds room. */
const SHARE = 4

interface Generation {
  /** By whose they are. */
  readonly salts: Map<string, Set<string>>
  size: number
}

/**
 * The salts of SIP022 of the last minute, exactly: none is taken twice under one key. They go by the minute, all at once, so
 * that each is kept for one to two of them.
 */
export class RecentSalts {
  readonly #capacity: number
  #now = fresh()
  #before = fresh()
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
   * @param whose names the key: what is sealed under another is no replay, and whoever has it fills only their own share
   * @returns whether it is new
   */
  add(salt: Uint8Array, nowMs: number, whose = ''): boolean {
    this.#turn(nowMs)
    const key = Buffer.from(salt.buffer, salt.byteOffset, salt.length).toString('latin1')
    const before = this.#before.salts.get(whose)
    const now = this.#now.salts.get(whose)
    if (before?.has(key) === true || now?.has(key) === true) return false
    const kept = (before?.size ?? 0) + (now?.size ?? 0)
    if (kept >= SHARE * (this.#capacity - this.size)) return false
    if (now === undefined) this.#now.salts.set(whose, new Set([key]))
    else now.add(key)
    this.#now.size += 1
    return true
  }

  #turn(nowMs: number): void {
    this.#sinceMs ??= nowMs
    const ageMs = nowMs - this.#sinceMs
    if (ageMs < KEEP_MS) return
    this.#before = ageMs < 2 * KEEP_MS ? this.#now : fresh()
    this.#now = fresh()
    this.#sinceMs = nowMs
  }
}

const fresh = (): Generation => ({ salts: new Map(), size: 0 })
