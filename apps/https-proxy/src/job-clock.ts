/** Until when a job must be over, and until when something must have come. */
export class JobClock {
  readonly #now: () => number
  /** While the clock stands. */
  #wholeLeft: number
  #wholeAt = Infinity
  #stepAt = Infinity

  /**
   * Stands.
   * @param now monotonic, ms
   * @param wholeMs for all of it, as long as the clock goes
   */
  constructor(now: () => number, wholeMs: number) {
    this.#now = now
    this.#wholeLeft = wholeMs
  }

  get deadline(): number {
    return Math.min(this.#wholeAt, this.#stepAt)
  }

  /** The deadline is for what comes next, and not for all of it. */
  get isStep(): boolean {
    return this.#stepAt < this.#wholeAt
  }

  start(): void {
    if (this.#wholeAt === Infinity) this.#wholeAt = this.#now() + this.#wholeLeft
  }

  stop(): void {
    if (this.#wholeAt === Infinity) return
    this.#wholeLeft = this.#wholeAt - this.#now()
    this.#wholeAt = Infinity
  }

  /** Something must come within `ms` from now; Infinity: whenever it may. */
  step(ms: number): void {
    this.#stepAt = this.#now() + ms
  }
}
