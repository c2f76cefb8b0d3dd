/** Keeps what repeats out of the log: a store that cannot be read, a listener that cannot accept. */
export class Seldom {
  readonly #everyMs: number
  readonly #now: () => number
  /** In the order in which it was said. */
  readonly #saidAt = new Map<string, number>()

  /** @param now monotonic, ms */
  constructor(everyMs: number, now: () => number = () => performance.now()) {
    this.#everyMs = everyMs
    this.#now = now
  }

  /** How much is remembered. What is due again is not, from the next time on that anything is said. */
  get size(): number {
    return this.#saidAt.size
  }

  /** Whether `what` is to be said: the first time, and then once in `everyMs` while it goes on. */
  due(what: string): boolean {
    const now = this.#now()
    if (now - (this.#saidAt.get(what) ?? -Infinity) < this.#everyMs) return false
    this.#forget(now)
    this.#saidAt.set(what, now)
    return true
  }

  /** Names come and go: whoever is due again is as good as new. */
  #forget(now: number): void {
    for (const [what, saidAt] of this.#saidAt) {
      if (now - saidAt < this.#everyMs) return
      this.#saidAt.delete(what)
    }
  }
}
