/** The most that a chunk of Shadowsocks carries (SIP004): a byte more would make a chunk of its own, at the price of a whole one. */
const CHUNK = 0x3fff
/** Sizes that a read buffer moves between. All conns that send little share one of the first size. */
const SIZES = [CHUNK, 4 * CHUNK, 32 * CHUNK] as const
const SMALLEST = SIZES[0]
export const LARGEST_READ: number = SIZES[2]
/** All buffers above the smallest size together; beyond it buffers do not grow. */
const BUDGET = 64 * 1024 * 1024
const SHRINK_AFTER = 32

/** A buffer of its own for each conn would be most of what a short or idle one costs. */
const SHARED: Uint8Array = Buffer.allocUnsafeSlow(SMALLEST)

let borrowed = 0

/**
 * What one dialled socket reads into. A bulk sender fills it and gets a larger one of its own, since a read and a write
 * of 512 KiB cost little more than of 64; one that sends little goes back to the 16 KiB that all share, and what it
 * brings is copied out.
 */
export class ReadBuffer {
  bytes: Uint8Array = SHARED
  #step = 0
  #small = 0

  /** What a read of `size` bytes has brought; good until the next read. */
  chunk(size: number): Uint8Array {
    if (this.bytes === SHARED) return Buffer.from(SHARED.subarray(0, size))
    return size === this.bytes.length ? this.bytes : this.bytes.subarray(0, size)
  }

  /** The buffer for the next read, after one that brought `size` bytes. */
  next(size: number, limit: number): Uint8Array {
    if (this.bytes.length > limit) this.#resize(this.#step - 1, limit)
    else if (size === this.bytes.length) this.#resize(this.#step + 1, limit)
    else if (this.#step > 0 && size * 4 < this.bytes.length) this.#shrink(limit)
    else this.#small = 0
    return this.bytes
  }

  release(): void {
    if (this.#step > 0) borrowed -= this.bytes.length
    this.#step = 0
  }

  #shrink(limit: number): void {
    if (++this.#small >= SHRINK_AFTER) this.#resize(this.#step - 1, limit)
  }

  #resize(step: number, limit: number): void {
    this.#small = 0
    const size = SIZES[step]
    if (size === undefined || (step > this.#step && size > limit)) return
    const held = this.#step > 0 ? this.bytes.length : 0
    const wanted = step > 0 ? size : 0
    if (wanted > held && borrowed + wanted - held > BUDGET) return
    borrowed += wanted - held
    this.#step = step
    this.bytes = step === 0 ? SHARED : Buffer.allocUnsafeSlow(size)
  }
}
