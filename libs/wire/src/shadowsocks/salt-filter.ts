export interface SaltFilterOptions {
  /** How many of the last salts are surely remembered; up to twice as many are. @default 500_000 */
  readonly capacity?: number
  /** 8 random bytes: nobody who does not know them can choose salts that are slow to look up. */
  readonly seed: Uint8Array
}

/** The salts of one generation as an open-addressed table: 32 bits of each at a place that other bits choose. */
interface Generation {
  readonly table: Uint32Array
  used: number
}

/**
 * Remembers the salts of SIP004, TCP and UDP alike, so that none is taken twice. Two generations: when one is full, the one
 * before is forgotten. Takes a new salt for a known one less often than once in 10^8, and never forgets the last `capacity`.
 *
 * 4 bytes a place and two places a salt: 4 MiB a generation by default, taken as salts come.
 */
export class SaltFilter {
  readonly #capacity: number
  readonly #places: number
  readonly #seedLow: number
  readonly #seedHigh: number
  #now: Generation | undefined
  #before: Generation | undefined

  constructor({ capacity = 500_000, seed }: SaltFilterOptions) {
    this.#capacity = capacity
    this.#places = 2 ** Math.ceil(Math.log2(capacity * 2))
    this.#seedLow = wordAt(seed, 0)
    this.#seedHigh = wordAt(seed, 4)
  }

  /** How many are remembered. */
  get size(): number {
    return (this.#now?.used ?? 0) + (this.#before?.used ?? 0)
  }

  /**
   * Remembers a salt: one of an authenticated client, or one of ours, so that it cannot be sent back to us.
   * @returns whether it is new
   */
  add(salt: Uint8Array): boolean {
    const place = hash(salt, this.#seedLow) & (this.#places - 1)
    // 0 marks an empty place.
    const mark = hash(salt, this.#seedHigh) || 1
    if (this.#before !== undefined && this.#find(this.#before, place, mark) < 0) return false
    const now = (this.#now ??= this.#fresh())
    const at = this.#find(now, place, mark)
    if (at < 0) return false
    now.table[at] = mark
    now.used++
    if (now.used >= this.#capacity) this.#turn(now)
    return true
  }

  /** @returns an empty place for `mark`, or -1 where it stands already */
  #find({ table }: Generation, place: number, mark: number): number {
    for (let at = place; ; at = (at + 1) & (this.#places - 1)) {
      const found = table[at]
      if (found === 0) return at
      if (found === mark) return -1
    }
  }

  #turn(full: Generation): void {
    this.#now = this.#fresh(this.#before?.table)
    this.#before = full
  }

  #fresh(table?: Uint32Array): Generation {
    return { table: table?.fill(0) ?? new Uint32Array(this.#places), used: 0 }
  }
}

/** 32 well-mixed bits of a salt, by the rounds and the ending of MurmurHash3. */
function hash(salt: Uint8Array, seed: number): number {
  let state = seed
  for (let at = 0; at < salt.length; at += 4) {
    let word = Math.imul(wordAt(salt, at), 0xcc9e2d51)
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593)
    state ^= word
    state = Math.imul((state << 13) | (state >>> 19), 5) + 0xe6546b64
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}

/** Little-endian; what lies behind the end counts as 0. */
const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
