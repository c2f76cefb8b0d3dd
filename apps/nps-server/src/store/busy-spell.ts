import { StoreError } from '@sluice/userstore'

/** Other programs write for a moment; who is kept from its turn for longer than that is in trouble. */
const MOMENT_MS = 5000

/** Tells the moments in which another program writes from a store that is of no use. */
export class BusySpell {
  readonly #now: () => number
  #since: number | undefined = undefined

  /** @param now ms, of any clock */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @returns whether somebody should be told of this failure */
  isTrouble(error: unknown): boolean {
    if (!(error instanceof StoreError) || error.code !== 'STORE_BUSY') return true
    this.#since ??= this.#now()
    return this.#now() - this.#since >= MOMENT_MS
  }

  /** The store has answered. */
  over(): void {
    this.#since = undefined
  }
}
