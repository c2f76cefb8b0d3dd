const SLOT_MS = 5

/** @internal */
export const RECENT_MS = 100

/** @internal Adds up what was added in the last 100 ms, and up to 5 ms before. */
export class Recent {
  readonly #slots = new Float64Array(RECENT_MS / SLOT_MS + 1)
  #sum = 0
  #slot = 0

  sumAt(now: number): number {
    const slot = Math.floor(now / SLOT_MS)
    if (slot === this.#slot) return this.#sum
    const { length } = this.#slots
    for (let past = Math.max(this.#slot, slot - length) + 1; past <= slot; past++)
      this.#slots[past % length] = 0
    this.#slot = slot
    // Added up anew, or the rounding of every subtraction would stay.
    return (this.#sum = this.#slots.reduce((sum, bytes) => sum + bytes, 0))
  }

  /** Adds `bytes` at the moment of the last `sumAt`. */
  add(bytes: number): void {
    this.#slots[this.#slot % this.#slots.length]! += bytes
    this.#sum += bytes
  }
}
