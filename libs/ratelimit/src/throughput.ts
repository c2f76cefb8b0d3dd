/** The newest cost counts for so much of the mean. */
const NEWEST = 1 / 64
/** Seconds that a rate is looked at over. */
const SECONDS = 5
/** So many mean intervals without anybody being ready say that it has become slower. */
const PATIENCE = 4

/** How long slots are held, and how many are given back a second. */
export class Throughput {
  readonly #counts = new Float64Array(SECONDS)
  #second = 0
  #first: number | undefined
  #movedAt = -Infinity
  #seen = 0
  /** Of the times that slots were held for; 0: there was none yet. */
  meanMs = 0

  /** A slot was taken, by somebody who found all others free. */
  began(now: number): void {
    this.#movedAt = now
  }

  /** A slot was given back. */
  ended(now: number, heldMs: number): void {
    this.#moveTo(now)
    this.#counts[this.#second % SECONDS]! += 1
    this.#movedAt = now
    this.#first ??= now
    this.#seen++
    this.meanMs += Math.max(NEWEST, 1 / this.#seen) * (heldMs - this.meanMs)
  }

  /** Of the last seconds, this one included. */
  perSecond(now: number): number {
    this.#moveTo(now)
    if (this.#first === undefined) return 0
    const sum = this.#counts.reduce((all, count) => all + count, 0)
    const spanMs = (SECONDS - 1) * 1000 + (now % 1000)
    return (sum * 1000) / Math.max(1000, Math.min(spanMs, now - this.#first))
  }

  /** What `slots` that are all in use give back a second now; 0: nobody knows. */
  capacity(now: number, slots: number): number {
    if (this.meanMs === 0) return 0
    const usual = (slots * 1000) / this.meanMs
    return Math.min(usual, (PATIENCE * 1000) / (now - this.#movedAt))
  }

  #moveTo(now: number): void {
    const second = Math.floor(now / 1000)
    const from = Math.max(this.#second + 1, second - SECONDS + 1)
    for (let past = from; past <= second; past++) this.#counts[past % SECONDS] = 0
    this.#second = Math.max(this.#second, second)
  }
}
