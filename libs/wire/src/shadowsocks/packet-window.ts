const WORD_BITS = 32
const WORDS = 256

/** How far a packet ID may lie behind the highest one: one word of the ring is always being filled. */
export const PACKET_WINDOW: number = (WORDS - 1) * WORD_BITS

/**
 * Which packet IDs of a session have been seen, as RFC 6479 keeps them: a ring of bits behind the highest one. Older IDs
 * count as seen. 1 KiB.
 */
export class PacketWindow {
  readonly #words = new Uint32Array(WORDS)
  #highest = -1

  /**
   * Whether `id` is new. Changes nothing, so that it can be asked before a packet is known to be authentic.
   * @param id whole, 0 or more, safe
   */
  accepts(id: number): boolean {
    if (id > this.#highest) return true
    if (this.#highest - id > PACKET_WINDOW) return false
    return (this.#words[wordOf(id) % WORDS]! & bitOf(id)) === 0
  }

  /** Marks the ID of an authentic packet. @returns whether it was new */
  add(id: number): boolean {
    if (!this.accepts(id)) return false
    if (id > this.#highest) this.#advance(id)
    this.#words[wordOf(id) % WORDS]! |= bitOf(id)
    return true
  }

  #advance(id: number): void {
    const from = this.#highest < 0 ? -1 : wordOf(this.#highest)
    const steps = Math.min(wordOf(id) - from, WORDS)
    for (let step = 0; step < steps; step++) this.#words[(wordOf(id) - step) % WORDS] = 0
    this.#highest = id
  }
}

// No shift: an ID may have more than 32 bits.
const wordOf = (id: number): number => Math.floor(id / WORD_BITS)
const bitOf = (id: number): number => 1 << (id % WORD_BITS)
