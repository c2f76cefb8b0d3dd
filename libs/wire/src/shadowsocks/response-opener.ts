import { WireError } from '../wire-error.ts'
import { ChunkOpener, MAX_CHUNK, openPiece } from './chunk-opener.ts'
import type { Opener } from './direction.ts'
import { decodeFixedHeader, HEADER_TYPE, responseHeaderBytes } from './fixed-header.ts'
import type { SsKey } from './key.ts'
import { createPieces } from './piece.ts'
import { TAG_BYTES } from './node-aead.ts'
import { sessionKey } from './session-key.ts'
import { PlainOpener, StreamOpener } from './stream-cipher.ts'

/** What a server answers, for a client: the salt and, of the 2022 methods, a header come first. */
export class ResponseOpener implements Opener {
  /** When the server sealed its header, in s since 1970; undefined before, and but for the 2022 methods. */
  seconds: number | undefined = undefined
  readonly #key: SsKey
  readonly #requestSalt: Uint8Array
  readonly #headBytes: number
  /** The salt and the header so far. */
  #head: Uint8Array = new Uint8Array(0)
  #opener: Opener | undefined = undefined

  /**
   * @param key the user's
   * @param requestSalt that of the request: the 2022 methods repeat it, or `open` throws WIRE_VALUE
   */
  constructor(key: SsKey, requestSalt: Uint8Array) {
    const { kind, saltBytes } = key.method
    this.#key = key
    this.#requestSalt = requestSalt
    this.#headBytes = saltBytes + (kind === '2022' ? responseHeaderBytes(saltBytes) + TAG_BYTES : 0)
  }

  room(inputBytes: number): number {
    return this.#opener?.room(inputBytes) ?? inputBytes
  }

  open(input: Uint8Array, out: Uint8Array): number {
    if (this.#opener !== undefined) return this.#opener.open(input, out)
    const missing = this.#headBytes - this.#head.length
    this.#head = Buffer.concat([this.#head, input.subarray(0, missing)])
    if (this.#head.length < this.#headBytes) return 0
    this.#opener = this.#begin(this.#head)
    return this.#opener.open(input.subarray(missing), out)
  }

  #begin(head: Uint8Array): Opener {
    const { method, bytes } = this.#key
    const salt = head.subarray(0, method.saltBytes)
    if (method.kind === 'none') return new PlainOpener()
    if (method.kind === 'stream') return new StreamOpener(method, bytes, salt)
    const pieces = createPieces(method, sessionKey(this.#key, salt))
    if (method.kind === 'aead') return new ChunkOpener(pieces, MAX_CHUNK.aead)
    const header = openPiece(pieces, head.subarray(method.saltBytes))
    return new ChunkOpener(pieces, MAX_CHUNK['2022'], this.#readHeader(header))
  }

  #readHeader(bytes: Uint8Array): number {
    const { seconds, requestSalt, length } = decodeFixedHeader(bytes, HEADER_TYPE.RESPONSE)
    if (Buffer.compare(requestSalt, this.#requestSalt) !== 0) {
      throw new WireError('WIRE_VALUE', 'this answers another request')
    }
    this.seconds = seconds
    return length
  }
}
