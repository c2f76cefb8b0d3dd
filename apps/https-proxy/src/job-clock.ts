/** Until when a job must be over, and until when something must have come. */
export class JobClock {
  readonly #now: () => number
  /** While the clock stands. */
  #wholeLeft: number
  #wholeAt = Infinity
  #stepAt = Infinity
  /** For how much longer its client may let it wait. */
  #patienceLeft: number
  #pausedAt = 0

  /**
   * Stands.
   * @param now monotonic, ms
   * @param wholeMs for all of it, as long as the clock goes; and for all pauses
   */
  constructor(now: () => number, wholeMs: number) {
    this.#now = now
    this.#wholeLeft = wholeMs
    this.#patienceLeft = wholeMs
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

  /** Stands for its client's sake, as a step that may take as long as there is patience. */
  pause(): void {
    this.stop()
    this.#pausedAt = this.#now()
    this.step(this.#patienceLeft)
  }

  /** After a pause; it still stands. */
  unpause(): void {
    this.#patienceLeft -= this.#now() - this.#pausedAt
    this.step(Infinity)
  }

  /** There is nothing left that patience would be for. */
  waive(): void {
    this.#patienceLeft = Infinity
    this.step(Infinity)
  }
}
