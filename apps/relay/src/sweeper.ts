/** What is to be looked at about once a second. */
export interface Swept {
  /** @param now monotonic, ms */
  sweep(now: number): void
}

const SWEEP_MS = 1000

/** Looks at all that are there with one timer, which runs while there are any. */
export class Sweeper<T extends Swept> {
  readonly #now: () => number
  readonly #all = new Set<T>()
  #timer: NodeJS.Timeout | undefined = undefined

  /** @param now monotonic, ms */
  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#all.size
  }

  all(): Iterable<T> {
    return this.#all
  }

  add(each: T): void {
    this.#all.add(each)
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS)
  }

  delete(each: T): void {
    this.#all.delete(each)
    if (this.#all.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  sweep(): void {
    const now = this.#now()
    for (const each of this.#all) each.sweep(now)
  }
}
