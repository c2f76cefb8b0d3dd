import type { Address } from '../address.ts'
import type { Decoded } from '../decode.ts'
import { decodeSocksAddress } from '../socks-address.ts'
import { WireError } from '../wire-error.ts'
import { copy } from './bytes.ts'
import { ChunkOpener, MAX_CHUNK, openPiece } from './chunk-opener.ts'
import { decodeFixedHeader, HEADER_TYPE, REQUEST_HEADER_BYTES } from './fixed-header.ts'
import type { SsKey } from './key.ts'
import { createPieces, type PieceOpener } from './piece.ts'
import { TAG_BYTES } from './node-aead.ts'
import type { SsRequest } from './request.ts'
import { sessionKey } from './session-key.ts'

/** SIP022 §3.1.3: a fixed header with the length of a variable one, which holds the target. */
export class TimedRequest {
  readonly #key: SsKey
  /** Where the fixed header ends. */
  readonly #fixedEnd: number
  #opened: { pieces: PieceOpener; seconds: number; end: number } | undefined = undefined

  constructor(key: SsKey, identityBytes: number) {
    this.#key = key
    this.#fixedEnd = key.method.saltBytes + identityBytes + REQUEST_HEADER_BYTES + TAG_BYTES
  }

  decode(bytes: Uint8Array): Decoded<SsRequest> | undefined {
    if (bytes.length < this.#fixedEnd) return undefined
    const salt = copy(bytes, 0, this.#key.method.saltBytes)
    const { pieces, seconds, end } = (this.#opened ??= this.#openFixed(salt, bytes))
    if (bytes.length < end) return undefined
    const plain = openPiece(pieces, bytes.subarray(this.#fixedEnd, end))
    const opener = new ChunkOpener(pieces, MAX_CHUNK['2022'])
    return { value: { salt, ...readVariableHeader(plain), opener, seconds }, size: end }
  }

  #openFixed(salt: Uint8Array, bytes: Uint8Array) {
    const pieces = createPieces(this.#key.method, sessionKey(this.#key, salt))
    const start = this.#fixedEnd - REQUEST_HEADER_BYTES - TAG_BYTES
    const plain = openPiece(pieces, bytes.subarray(start, this.#fixedEnd))
    const { seconds, length } = decodeFixedHeader(plain, HEADER_TYPE.REQUEST)
    return { pieces, seconds, end: this.#fixedEnd + length + TAG_BYTES }
  }
}

/**
 * SIP022 §3.1.3. Padding and payload are not both empty.
 *  +----------+--------+---------+---------+
 *  | ADDRESS  | PADLEN | PADDING | PAYLOAD |
 *  | variable | 2 (BE) | PADLEN  |  rest   |
 *  +----------+--------+---------+---------+
 */
function readVariableHeader(plain: Uint8Array): { target: Address; early: Uint8Array } {
  const address = decodeSocksAddress(plain)
  const paddingAt = address === undefined ? Infinity : address.size + 2
  if (paddingAt > plain.length) throw new WireError('WIRE_LENGTH', 'the header ends in its address')
  const padding = (plain[paddingAt - 2]! << 8) | plain[paddingAt - 1]!
  const payloadAt = paddingAt + padding
  if (payloadAt > plain.length) throw new WireError('WIRE_LENGTH', 'the header ends in its padding')
  if (payloadAt === paddingAt && payloadAt === plain.length) {
    throw new WireError('WIRE_VALUE', 'neither padding nor payload')
  }
  return { target: address!.value, early: plain.subarray(payloadAt) }
}
