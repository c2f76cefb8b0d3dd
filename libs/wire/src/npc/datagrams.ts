import type { Decode } from '../decode.ts'
import { WireError } from '../wire-error.ts'
import { block, readBlock } from './block.ts'

/** No datagram has more. */
export const MAX_NPC_DATAGRAM = 65_507

/** In front of the data: RSV, FRAG, and an address of IPv4, the shortest. */
const MIN_UDP5_BYTES = 10

/**
 * Puts the pieces of one stream's messages together, each of which is a datagram. One that is longer than any datagram is passed over,
 * and counted.
 */
export class NpcDatagrams {
  readonly #max: number
  #parts: Uint8Array[] = []
  #size = 0
  #dropped = 0

  constructor(max: number = MAX_NPC_DATAGRAM) {
    this.#max = max
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Octets that wait for the rest of their datagram. */
  get waiting(): number {
    return this.#size > this.#max ? 0 : this.#size
  }

  /** @returns a datagram that is whole now, as a part of `piece` where it came in one */
  push(piece: Uint8Array, isEnd: boolean): Uint8Array | undefined {
    const size = this.#size + piece.length
    if (size > this.#max) return this.#pass(isEnd)
    if (isEnd && this.#parts.length === 0) return piece
    this.#parts.push(new Uint8Array(piece))
    this.#size = size
    return isEnd ? this.#whole() : undefined
  }

  #pass(isEnd: boolean): undefined {
    this.#parts = []
    // Too large until its end has come.
    this.#size = isEnd ? 0 : this.#max + 1
    if (isEnd) this.#dropped += 1
    return undefined
  }

  #whole(): Uint8Array {
    const datagram = new Uint8Array(this.#size)
    let at = 0
    for (const part of this.#parts) {
      datagram.set(part, at)
      at += part.length
    }
    this.#parts = []
    this.#size = 0
    return datagram
  }
}

/**
 * What a client sends back on a stream of type `udp5`: a SOCKS5 datagram behind its length, for `decodeSocksDatagram`. What goes to
 * the client is a message without a length.
 * @throws WireError WIRE_TOO_LONG, WIRE_LENGTH
 */
export const decodeUdp5: Decode<Uint8Array> = (bytes) => {
  const found = readBlock(bytes, 0, MAX_NPC_DATAGRAM)
  if (found === undefined) return undefined
  if (found.bytes.length < MIN_UDP5_BYTES)
    throw new WireError('WIRE_LENGTH', 'less than the head of a datagram')
  return { value: new Uint8Array(found.bytes), size: found.end }
}

export function encodeUdp5(datagram: Uint8Array): Uint8Array {
  return block(datagram)
}
