/** Of a bucket's lower bound its width is at most 1/32: 3 %. */
const STEPS_BITS = 5
const STEPS = 1 << STEPS_BITS
/** Bounds are multiples of this part of a millisecond. */
const PER_MS = 16
const MOST = 2 ** 31 - 1
const BUCKETS = (31 - STEPS_BITS + 1) * STEPS

/** Which bucket holds a whole number of 0 to 2^31 - 1: the first 64 hold one each, then 32 for each power of two. */
const bucketOf = (units: number): number => {
  if (units < 2 * STEPS) return units
  const shift = 31 - Math.clz32(units) - STEPS_BITS
  return shift * STEPS + (units >>> shift)
}

/** The middle of what a bucket holds, in units. */
const middleOf = (bucket: number): number => {
  if (bucket < 2 * STEPS) return bucket
  const shift = Math.floor(bucket / STEPS) - 1
  return ((bucket % STEPS) + STEPS + 0.5) * 2 ** shift
}

/** Times of any length in buckets of about equal relative width; a few KB however many there are. */
export class StatsHistogram {
  readonly #counts: Uint32Array = new Uint32Array(BUCKETS)
  count = 0
  /** Of all times, ms. */
  sum = 0

  record(ms: number): void {
    const units = Math.min(MOST, Math.max(0, Math.round(ms * PER_MS)))
    this.#counts[bucketOf(units)]! += 1
    this.count += 1
    this.sum += ms
  }

  add(other: StatsHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) this.#counts[bucket]! += other.#counts[bucket]!
    this.count += other.count
    this.sum += other.sum
  }

  clear(): void {
    this.#counts.fill(0)
    this.count = 0
    this.sum = 0
  }

  /** ms; 0 where there is none. */
  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }

  /**
   * The time that this part of all is not longer than, ms, 2 % off at most; 0 where there is none.
   * @param part 0 to 1
   */
  quantile(part: number): number {
    let left = Math.max(1, Math.ceil(part * this.count))
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      left -= this.#counts[bucket]!
      if (left <= 0) return middleOf(bucket) / PER_MS
    }
    return 0
  }
}

const SLICE_MS = 10_000
const SLICES = 6

/** The times of the last minute; the oldest ten seconds are forgotten together. */
export class RecentHistogram {
  readonly #slices = Array.from({ length: SLICES }, () => new StatsHistogram())
  readonly #now: () => number
  /** Number of the slice that is written to. */
  #slice: number

  /** @param now monotonic, ms */
  constructor(now: () => number) {
    this.#now = now
    this.#slice = this.#current()
  }

  record(ms: number): void {
    this.#forget()
    this.#slices[this.#slice % SLICES]!.record(ms)
  }

  /** All of them in one. */
  read(): StatsHistogram {
    this.#forget()
    const all = new StatsHistogram()
    for (const slice of this.#slices) all.add(slice)
    return all
  }

  #current(): number {
    return Math.floor(this.#now() / SLICE_MS)
  }

  #forget(): void {
    const current = this.#current()
    const over = Math.min(SLICES, current - this.#slice)
    for (let i = 0; i < over; i += 1) this.#slices[(current - i) % SLICES]!.clear()
    this.#slice = current
  }
}
