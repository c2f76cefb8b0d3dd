import type { Decoded } from '../decode.ts'
import { decodeSocksAddress } from '../socks-address.ts'
import { WireError } from '../wire-error.ts'
import { copy } from './bytes.ts'
import { ChunkOpener, MAX_CHUNK } from './chunk-opener.ts'
import type { SsKey } from './key.ts'
import { createPieces } from './piece.ts'
import { TAG_BYTES } from './node-aead.ts'
import type { SsRequest } from './request.ts'
import { sessionKey } from './session-key.ts'

/** SIP004: chunks that begin with the target; it may be spread over several, none of them empty. */
export class ChunkedRequest {
  readonly #key: SsKey
  #opener: ChunkOpener | undefined = undefined
  /** What is in front of this is opened. */
  #at: number
  #plain: Uint8Array = new Uint8Array(0)

  constructor(key: SsKey) {
    this.#key = key
    this.#at = key.method.saltBytes
  }

  decode(bytes: Uint8Array): Decoded<SsRequest> | undefined {
    const { method } = this.#key
    if (bytes.length < method.saltBytes) return undefined
    const salt = copy(bytes, 0, method.saltBytes)
    const pieces = () => createPieces(method, sessionKey(this.#key, salt))
    const opener = (this.#opener ??= new ChunkOpener(pieces(), MAX_CHUNK.aead))
    for (let end = this.#at + opener.wanted; end <= bytes.length; end = this.#at + opener.wanted) {
      this.#openPiece(opener, bytes.subarray(this.#at, end))
      this.#at = end
      const address = decodeSocksAddress(this.#plain)
      if (address === undefined) continue
      const early = copy(this.#plain, address.size, this.#plain.length)
      return { value: { salt, target: address.value, early, opener, seconds: undefined }, size: this.#at }
    }
    return undefined
  }

  #openPiece(opener: ChunkOpener, sealed: Uint8Array): void {
    const end = this.#plain.length
    const plain = new Uint8Array(end + sealed.length)
    plain.set(this.#plain)
    this.#plain = plain.subarray(0, end + opener.piece(sealed, plain, end))
    if (opener.wanted === TAG_BYTES) throw new WireError('WIRE_LENGTH', 'an empty chunk in the request')
  }
}
