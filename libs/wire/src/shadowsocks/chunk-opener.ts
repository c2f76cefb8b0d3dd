import { WireError } from '../wire-error.ts'
import type { Opener } from './direction.ts'
import { type PieceOpener, TAG_BYTES } from './piece.ts'

const LENGTH_BYTES = 2
const SEALED_LENGTH: number = LENGTH_BYTES + TAG_BYTES

/** The most plain bytes of a chunk (SIP004 §TCP, SIP022 §3.1.2). */
export const MAX_CHUNK = { aead: 0x3fff, '2022': 0xffff } as const

/** The chunks of one direction: each a sealed length, then a sealed payload of that length. */
export class ChunkOpener implements Opener {
  readonly #pieces: PieceOpener
  readonly #maxChunk: number
  readonly #length: Uint8Array = new Uint8Array(LENGTH_BYTES)
  #isPayload: boolean
  /** Sealed bytes of the piece that comes next. */
  #wanted: number
  /** The start of that piece, where it was cut; absent between pieces, so that idle conns hold nothing. */
  #held: Uint8Array | undefined = undefined
  #heldBytes = 0

  /** @param payload plain bytes of a payload that comes first, without a length in front of it */
  constructor(pieces: PieceOpener, maxChunk: number, payload?: number) {
    this.#pieces = pieces
    this.#maxChunk = maxChunk
    this.#isPayload = payload !== undefined
    this.#wanted = payload === undefined ? SEALED_LENGTH : payload + TAG_BYTES
  }

  /** Sealed bytes of the piece that comes next, none of which were held. */
  get wanted(): number {
    return this.#wanted
  }

  room(inputBytes: number): number {
    return this.#heldBytes + inputBytes
  }

  open(input: Uint8Array, out: Uint8Array): number {
    let at = 0
    let written = 0
    if (this.#held !== undefined) {
      at = this.#hold(this.#held, input, 0)
      if (this.#heldBytes < this.#wanted) return 0
      written = this.#openHeld(this.#held, out)
    }
    for (let end = at + this.#wanted; end <= input.length; end = at + this.#wanted) {
      written += this.piece(input.subarray(at, end), out, written)
      at = end
    }
    if (at < input.length) this.#hold(new Uint8Array(this.#wanted), input, at)
    return written
  }

  /** Opens the next piece, all of it. @returns how many plain bytes of payload it wrote at `at` */
  piece(sealed: Uint8Array, out: Uint8Array, at: number): number {
    const isPayload = this.#isPayload
    if (!this.#pieces.open(sealed, isPayload ? out : this.#length, isPayload ? at : 0)) throw sealError()
    this.#isPayload = !isPayload
    this.#wanted = isPayload ? SEALED_LENGTH : this.#readLength() + TAG_BYTES
    return isPayload ? sealed.length - TAG_BYTES : 0
  }

  #readLength(): number {
    const length = (this.#length[0]! << 8) | this.#length[1]!
    if (length <= this.#maxChunk) return length
    throw new WireError('WIRE_LENGTH', `a chunk of ${length} bytes, over ${this.#maxChunk}`)
  }

  #hold(held: Uint8Array, input: Uint8Array, from: number): number {
    const end = Math.min(input.length, from + this.#wanted - this.#heldBytes)
    held.set(input.subarray(from, end), this.#heldBytes)
    this.#held = held
    this.#heldBytes += end - from
    return end
  }

  #openHeld(held: Uint8Array, out: Uint8Array): number {
    this.#held = undefined
    this.#heldBytes = 0
    return this.piece(held, out, 0)
  }
}

/** @internal */
export function sealError(): WireError {
  return new WireError('WIRE_SEAL', 'sealed under another key, or changed on its way')
}

/**
 * One piece on its own.
 * @throws WireError WIRE_SEAL
 */
export function openPiece(pieces: PieceOpener, sealed: Uint8Array): Uint8Array {
  const plain = new Uint8Array(sealed.length - TAG_BYTES)
  if (!pieces.open(sealed, plain, 0)) throw sealError()
  return plain
}
