/** Of one datagram on a stream, its length in front left out. */
export const MAX_STREAM_DATAGRAM = 0xffff
/** In front of each datagram: how many octets it has, network byte order. */
export const DATAGRAM_HEAD_BYTES = 2

/** Writes the length of a datagram of `size` octets, which stands or is to stand right behind. */
export const writeDatagramHead = (out: Uint8Array, at: number, size: number): void => {
  out[at] = size >> 8
  out[at + 1] = size
}

/** Reads datagrams from chunks of a stream. Keeps no more than one, and only where a chunk has just a part of it. */
export class StreamDatagrams {
  readonly #take: (datagram: Uint8Array) => void
  /** A datagram that was cut, with its head. */
  #part: Uint8Array | undefined = undefined
  #partSize = 0

  /** @param take told of each; the bytes may be used until it returns */
  constructor(take: (datagram: Uint8Array) => void) {
    this.#take = take
  }

  push(chunk: Uint8Array): void {
    let at = this.#partSize > 0 ? this.#finish(chunk) : 0
    while (at < chunk.length) {
      const size = chunk.length - at < DATAGRAM_HEAD_BYTES ? Infinity : sizeAt(chunk, at)
      if (at + size > chunk.length) return this.#keep(chunk.subarray(at))
      this.#take(chunk.subarray(at + DATAGRAM_HEAD_BYTES, at + size))
      at += size
    }
  }

  /** Goes on with the datagram that was cut. @returns how much of `chunk` it took */
  #finish(chunk: Uint8Array): number {
    let at = 0
    if (this.#partSize < DATAGRAM_HEAD_BYTES) at = this.#fill(chunk, at, DATAGRAM_HEAD_BYTES)
    if (this.#partSize < DATAGRAM_HEAD_BYTES) return at
    const size = sizeAt(this.#part!, 0)
    at = this.#fill(chunk, at, size)
    if (this.#partSize < size) return at
    this.#partSize = 0
    this.#take(this.#part!.subarray(DATAGRAM_HEAD_BYTES, size))
    return at
  }

  #keep(rest: Uint8Array): void {
    const size = rest.length < DATAGRAM_HEAD_BYTES ? DATAGRAM_HEAD_BYTES : sizeAt(rest, 0)
    this.#room(size)
    this.#part!.set(rest)
    this.#partSize = rest.length
  }

  #fill(chunk: Uint8Array, at: number, size: number): number {
    this.#room(size)
    const end = Math.min(chunk.length, at + size - this.#partSize)
    this.#part!.set(chunk.subarray(at, end), this.#partSize)
    this.#partSize += end - at
    return end
  }

  #room(size: number): void {
    const old = this.#part
    if (old !== undefined && old.length >= size) return
    this.#part = new Uint8Array(size)
    if (old !== undefined) this.#part.set(old.subarray(0, this.#partSize))
  }
}

const sizeAt = (bytes: Uint8Array, at: number): number =>
  DATAGRAM_HEAD_BYTES + ((bytes[at]! << 8) | bytes[at + 1]!)
