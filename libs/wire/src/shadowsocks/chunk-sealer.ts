import type { Sealer } from './direction.ts'
import { encodeFixedHeader, HEADER_TYPE, responseHeaderBytes } from './fixed-header.ts'
import { TAG_BYTES } from './node-aead.ts'
import { type PieceSealer, SEALED_LENGTH_BYTES } from './piece.ts'

/** What a chunk adds to its payload. */
const CHUNK_OVERHEAD: number = SEALED_LENGTH_BYTES + TAG_BYTES

/** What a response of the 2022 methods begins with. */
export interface SsResponse {
  /** Salt of the request that it answers. */
  readonly requestSalt: Uint8Array
  /** The time in ms since 1970, asked when the first bytes are sealed. */
  readonly now: () => number
}

/** What stands in front of the first chunk. With `response` that chunk has its length in there. */
export interface SealedHead {
  readonly salt: Uint8Array
  readonly response: SsResponse | undefined
}

/** Cuts into chunks as large as the method allows: each a sealed length, then a sealed payload of that length. */
export class ChunkSealer implements Sealer {
  readonly #pieces: PieceSealer
  readonly #maxChunk: number
  #head: SealedHead | undefined

  constructor(pieces: PieceSealer, maxChunk: number, head?: SealedHead) {
    this.#pieces = pieces
    this.#maxChunk = maxChunk
    this.#head = head
  }

  room(plainBytes: number): number {
    return this.#headBytes() + plainBytes + Math.ceil(plainBytes / this.#maxChunk) * CHUNK_OVERHEAD
  }

  seal(plain: Uint8Array, out: Uint8Array): number {
    if (plain.length === 0) return 0
    let written = 0
    let from = 0
    if (this.#head !== undefined) {
      written = this.#sealHead(this.#head, plain.length, out)
      if (this.#head.response !== undefined) {
        from = Math.min(plain.length, this.#maxChunk)
        written = this.#sealPayload(plain.subarray(0, from), out, written)
      }
      this.#head = undefined
    }
    while (from < plain.length) {
      const end = Math.min(plain.length, from + this.#maxChunk)
      written = this.#sealChunk(plain.subarray(from, end), out, written)
      from = end
    }
    return written
  }

  #sealHead({ salt, response }: SealedHead, plainBytes: number, out: Uint8Array): number {
    out.set(salt)
    if (response === undefined) return salt.length
    const header = encodeFixedHeader({
      type: HEADER_TYPE.RESPONSE,
      seconds: Math.floor(response.now() / 1000),
      requestSalt: response.requestSalt,
      length: Math.min(plainBytes, this.#maxChunk),
    })
    return this.#sealPayload(header, out, salt.length)
  }

  #headBytes(): number {
    if (this.#head === undefined) return 0
    const { salt, response } = this.#head
    return salt.length + (response === undefined ? 0 : responseHeaderBytes(salt.length) + TAG_BYTES)
  }

  #sealChunk(plain: Uint8Array, out: Uint8Array, at: number): number {
    this.#pieces.sealLength(plain.length, out, at)
    return this.#sealPayload(plain, out, at + SEALED_LENGTH_BYTES)
  }

  #sealPayload(plain: Uint8Array, out: Uint8Array, at: number): number {
    this.#pieces.seal(plain, out, at)
    return at + plain.length + TAG_BYTES
  }
}
