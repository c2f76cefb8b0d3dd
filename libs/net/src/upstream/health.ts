export interface HealthOptions {
  /** So many failures in a row take it out. */
  readonly failures: number
  /** How long it is out the first time; twice as long after each probe that failed. */
  readonly retryMs: number
  readonly retryMaxMs: number
}

/** Whether somebody is worth dialling, by how the dials before went. Times are monotonic ms. */
export class Health {
  readonly #options: HealthOptions
  #failures = 0
  #outMs = 0
  #probeAt = 0

  constructor(options: HealthOptions) {
    this.#options = options
  }

  get isUp(): boolean {
    return this.#failures < this.#options.failures
  }

  /** Whether it is up, or due for a probe. */
  isDue(now: number): boolean {
    return this.isUp || now >= this.#probeAt
  }

  /** A dial begins. One that is a probe puts off the next, so that there is one at a time. */
  begin(now: number): void {
    if (this.isUp || now < this.#probeAt) return
    this.#outMs = Math.min(this.#outMs * 2, this.#options.retryMaxMs)
    this.#probeAt = now + this.#outMs
  }

  reached(): void {
    this.#failures = 0
  }

  failed(now: number): void {
    this.#failures += 1
    if (this.#failures !== this.#options.failures) return
    this.#outMs = this.#options.retryMs
    this.#probeAt = now + this.#outMs
  }
}
