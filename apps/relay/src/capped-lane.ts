import type { Lane, Limiter } from '@sluice/net'

/** One direction of a circuit: counted, and, where that is limited, carrying so much and no octet more. */
export class CappedLane implements Lane, Limiter {
  /** What has gone. */
  bytes = 0
  /** For the limiter to call; set by whoever writes along the lane. */
  onGrant: (bytes: number) => void = () => {}
  readonly #inner: Lane
  /** Of all that may go, what has no leave yet. */
  #left: number
  readonly #onSpent: () => void

  /** @param most bytes; 0: any number @param onSpent more was to go than may; it will never be let go */
  constructor(inner: Lane, most: number, onSpent: () => void) {
    this.#inner = inner
    this.#left = most === 0 ? Infinity : most
    this.#onSpent = onSpent
    inner.onGrant = (bytes) => this.#granted(bytes)
  }

  get limiter(): Limiter | undefined {
    return this.#left !== Infinity || this.#inner.limiter !== undefined ? this : undefined
  }

  take(bytes: number): number {
    const most = Math.min(bytes, this.#left)
    if (most === 0) {
      this.#onSpent()
      return 0
    }
    const { limiter } = this.#inner
    const granted = limiter === undefined ? most : limiter.take(most)
    this.#left -= granted
    return granted
  }

  count(bytes: number): void {
    this.bytes += bytes
    this.#inner.count(bytes)
  }

  #granted(bytes: number): void {
    this.#left -= bytes
    this.onGrant(bytes)
  }
}
