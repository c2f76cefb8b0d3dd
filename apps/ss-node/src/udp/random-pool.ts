import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 8192

/** Random bytes out of a stock: to ask the system for a few at a time costs as much as to seal a datagram. */
export class RandomPool {
  readonly #pool = Buffer.allocUnsafeSlow(POOL_BYTES)
  #at = POOL_BYTES

  /** @returns bytes that nobody else gets, good until the stock is renewed: to be copied before the next ones are taken */
  readonly take = (size: number): Uint8Array => {
    if (this.#at + size > POOL_BYTES) {
      randomFillSync(this.#pool)
      this.#at = 0
    }
    const from = this.#at
    this.#at += size
    return this.#pool.subarray(from, this.#at)
  }
}
