/** Choices that look random and are the same for the same seed: xorshift32 (Marsaglia 2003). Not for secrets. */
export class Dice {
  #state: number

  /** @param seed a whole number from 0 to 2^32 - 1 */
  constructor(seed: number) {
    // Spread, since seeds that are near each other would begin alike; and never 0, where xorshift stays.
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1
    for (let skipped = 0; skipped < 8; skipped += 1) this.#next()
  }

  /** A whole number from 0 to `end` - 1; `end` is 1 to 2^32. */
  below(end: number): number {
    return this.#next() % end
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)]
    if (picked === undefined) throw new RangeError('there is nothing to pick from')
    return picked
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }

  #next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }
}
