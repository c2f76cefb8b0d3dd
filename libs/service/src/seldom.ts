/** Keeps what repeats out of the log: a store that cannot be read, a listener that cannot accept. */
export class Seldom {
  readonly #everyMs: number
  readonly #now: () => number
  readonly #saidAt = new Map<string, number>()

  /** @param now monotonic, ms */
  constructor(everyMs: number, now: () => number = () => performance.now()) {
    this.#everyMs = everyMs
    this.#now = now
  }

  /** Whether `what` is to be said: the first time, and then once in `everyMs` while it goes on. */
  due(what: string): boolean {
    const now = this.#now()
    if (now - (this.#saidAt.get(what) ?? -Infinity) < this.#everyMs) return false
    this.#saidAt.set(what, now)
    return true
  }
}
