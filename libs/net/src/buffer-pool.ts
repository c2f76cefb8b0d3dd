const KIB = 1024
/**
 * For what a read brings, with what enciphering adds or a cut piece adds to it: 16 KiB, 64 KiB without and with a large
 * piece, 512 KiB.
 */
const SIZES: readonly number[] = [20 * KIB, 84 * KIB, 160 * KIB, 600 * KIB]
/** Of each size so many wait for their next use; more would be memory that a rush of long ago has left. */
const MOST_IDLE = 8

/**
 * Buffers that are lent for one write or one read. The last that came back goes out first, so as long as all that is
 * written goes out at once there is one for all conns, and it stays in the cache of the processor.
 */
export class BufferPool {
  readonly #idle: Uint8Array[][] = SIZES.map(() => [])

  /** One of at least so many bytes, whatever is in it. */
  take(bytes: number): Uint8Array {
    const index = SIZES.findIndex((size) => size >= bytes)
    if (index < 0) return Buffer.allocUnsafeSlow(bytes)
    return this.#idle[index]!.pop() ?? Buffer.allocUnsafeSlow(SIZES[index]!)
  }

  /** Nobody reads or writes it any more. */
  give(buffer: Uint8Array): void {
    const idle = this.#idle[SIZES.indexOf(buffer.length)]
    if (idle !== undefined && idle.length < MOST_IDLE) idle.push(buffer)
  }
}
