import { WireError } from '../wire-error.ts'
import type { Opener } from './direction.ts'
import { TAG_BYTES } from './node-aead.ts'
import { type PieceOpener, SEALED_LENGTH_BYTES } from './piece.ts'

/** The most plain bytes of a chunk (SIP004 §TCP, SIP022 §3.1.2). */
export const MAX_CHUNK = { aead: 0x3fff, '2022': 0xffff } as const

/** The chunks of one direction: each a sealed length, then a sealed payload of that length. */
export class ChunkOpener implements Opener {
  readonly #pieces: PieceOpener
  readonly #maxChunk: number
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
    this.#wanted = payload === undefined ? SEALED_LENGTH_BYTES : payload + TAG_BYTES
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
    if (!this.#isPayload) {
      this.#wanted = this.#openLength(sealed) + TAG_BYTES
      this.#isPayload = true
      return 0
    }
    if (!this.#pieces.open(sealed, out, at)) throw sealError()
    this.#wanted = SEALED_LENGTH_BYTES
    this.#isPayload = false
    return sealed.length - TAG_BYTES
  }

  #openLength(sealed: Uint8Array): number {
    const length = this.#pieces.openLength(sealed)
    if (length < 0) throw sealError()
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
