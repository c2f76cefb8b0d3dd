const FIRST_MS = 100
/** So that a server that has come back has all its clients within 5 s, the login included. */
const LONGEST_MS = 3000

/** Growing waits between attempts, each half by chance: clients that lost one server do not come back at one moment. */
export class RetryWaits {
  readonly #random: () => number
  #failures = 0

  /** @param random 0 to less than 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** ms. */
  next(): number {
    const most = Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS)
    this.#failures += 1
    return (most * (1 + this.#random())) / 2
  }

  /** It has worked. */
  reset(): void {
    this.#failures = 0
  }
}
