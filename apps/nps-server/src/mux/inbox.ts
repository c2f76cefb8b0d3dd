import { POOL } from './buffers.ts'

/** Up to here a piece gets memory of just its size. */
const SMALL = 2048
const LARGEST = 160 * 1024

interface Box {
  readonly buffer: Uint8Array
  from: number
  to: number
}

/**
 * What has come for one stream. The carrier lends its chunks for a moment only, and one write of many pieces costs far less than many,
 * so they are put together here.
 */
export class Inbox {
  readonly #boxes: Box[] = []
  #lent = 0

  get isEmpty(): boolean {
    return this.#boxes.length === 0
  }

  push(piece: Uint8Array): void {
    const last = this.#boxes.at(-1)
    const fits = last === undefined ? 0 : Math.min(piece.length, last.buffer.length - last.to)
    if (fits > 0) {
      last!.buffer.set(fits === piece.length ? piece : piece.subarray(0, fits), last!.to)
      last!.to += fits
    }
    if (fits < piece.length) this.#begin(fits === 0 ? piece : piece.subarray(fits), last)
  }

  /** @returns at most `limit` octets, which stay as they are until `release`; undefined when there are none */
  lend(limit: number): Uint8Array | undefined {
    const box = this.#boxes[0]
    if (box === undefined) return undefined
    this.#lent = Math.min(limit, box.to - box.from)
    return box.buffer.subarray(box.from, box.from + this.#lent)
  }

  /** What was lent last is not needed any more. @returns of how many octets it was */
  release(): number {
    const lent = this.#lent
    const box = this.#boxes[0]
    if (box === undefined || lent === 0) return 0
    this.#lent = 0
    box.from += lent
    if (box.from < box.to) return lent
    this.#boxes.shift()
    POOL.give(box.buffer)
    return lent
  }

  /** What was lent last was not looked at: it comes again. */
  unlend(): void {
    this.#lent = 0
  }

  /** What is lent is not used again. */
  clear(): void {
    const first = this.#boxes[0]
    for (const box of this.#boxes) if (box !== first || this.#lent === 0) POOL.give(box.buffer)
    this.#boxes.length = this.#lent = 0
  }

  #begin(piece: Uint8Array, last: Box | undefined): void {
    const wanted = Math.max(piece.length, Math.min(LARGEST, 2 * (last?.buffer.length ?? 0)))
    const buffer = wanted <= SMALL ? Buffer.from(piece) : POOL.take(wanted)
    if (wanted > SMALL) buffer.set(piece)
    this.#boxes.push({ buffer, from: 0, to: piece.length })
  }
}
