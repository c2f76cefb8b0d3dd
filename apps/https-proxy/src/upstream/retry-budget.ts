/** As many retries may always come at once, so that little traffic can be retried at all. */
const SPARE = 10

/** Lets a share of recent requests be made once more, so that retries never add much to what an ill origin gets. */
export class RetryBudget {
  readonly #share: number
  #tokens: number

  /** @param share 0 to 1; 0: no retries */
  constructor(share: number) {
    this.#share = share
    this.#tokens = share > 0 ? SPARE : 0
  }

  /** A request has been made for the first time. */
  earn(): void {
    this.#tokens = Math.min(SPARE, this.#tokens + this.#share)
  }

  /** @returns whether a retry may be made */
  spend(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
