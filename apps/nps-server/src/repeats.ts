const MAX = 1024

/** Keeps what comes again and again out of the log, and counts it meanwhile. */
export class Repeats {
  readonly #everyMs: number
  readonly #now: () => number
  readonly #known = new Map<string, { toldAt: number; times: number }>()

  /** @param now monotonic, ms */
  constructor(everyMs: number, now: () => number = () => performance.now()) {
    this.#everyMs = everyMs
    this.#now = now
  }

  /** @returns how often it came since it was last to be told, this time included; undefined: it is not to be told now */
  due(what: string): number | undefined {
    const now = this.#now()
    const known = this.#known.get(what) ?? { toldAt: -Infinity, times: 0 }
    known.times += 1
    this.#known.set(what, known)
    if (this.#known.size > MAX) this.#forgetOldest()
    if (now - known.toldAt < this.#everyMs) return undefined
    const { times } = known
    this.#known.delete(what)
    this.#known.set(what, { toldAt: now, times: 0 })
    return times
  }

  #forgetOldest(): void {
    for (const what of this.#known.keys()) {
      this.#known.delete(what)
      return
    }
  }
}
