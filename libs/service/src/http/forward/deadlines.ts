/** Something that must not take longer than until `deadline`, in ms of the clock of its {@link Deadlines}. */
export interface Timed {
  readonly deadline: number
  onDeadline(): void
}

const EVERY_MS = 250

/**
 * Looks at all deadlines four times a second. To move one is to set a number, so a connection may do so with each request
 * without a timer of its own.
 */
export class Deadlines {
  /** Monotonic, ms. */
  readonly now: () => number
  readonly #all = new Set<Timed>()
  #ticking: NodeJS.Timeout | undefined = undefined

  constructor(now: () => number = () => performance.now()) {
    this.now = now
  }

  add(timed: Timed): void {
    this.#all.add(timed)
    this.#ticking ??= setInterval(() => this.sweep(), EVERY_MS)
  }

  delete(timed: Timed): void {
    this.#all.delete(timed)
    if (this.#all.size > 0) return
    clearInterval(this.#ticking)
    this.#ticking = undefined
  }

  sweep(): void {
    const now = this.now()
    for (const timed of this.#all) if (timed.deadline <= now) timed.onDeadline()
  }
}
