import type { Address } from '../address.ts'
import { encodeSocksAddress } from '../socks-address.ts'
import { MAX_CHUNK } from './chunk-opener.ts'
import { ChunkSealer } from './chunk-sealer.ts'
import type { Sealer } from './direction.ts'
import { encodeFixedHeader, HEADER_TYPE } from './fixed-header.ts'
import { encodeIdentities } from './identity.ts'
import type { SsKey } from './key.ts'
import { createPieces, type PieceSealer } from './piece.ts'
import { TAG_BYTES } from './node-aead.ts'
import { createSealer } from './sealer.ts'
import { sessionKey } from './session-key.ts'

/** What a client sends first. */
export interface SsRequestParts {
  readonly target: Address
  /** Payload to go along. */
  readonly early?: Uint8Array
  /** The time in s since 1970; only the 2022 methods send it. */
  readonly seconds?: number
  /** Bytes of padding, 0 to 900; only the 2022 methods send it. At least 1 where there is no payload. */
  readonly padding?: number
  /** Keys of the servers that the request passes, the first to be reached first (SIP023); only the 2022 methods. */
  readonly identity?: readonly SsKey[]
}

/**
 * The request of a client, and the sealer for what it sends behind it.
 * @param salt random, `saltBytes` of them, and never the same twice
 */
export function encodeSsRequest(
  key: SsKey,
  salt: Uint8Array,
  parts: SsRequestParts,
): { bytes: Uint8Array; sealer: Sealer } {
  if (key.method.kind === '2022') return encodeTimed(key, salt, parts)
  const sealer = createSealer(key, salt)
  const plain = Buffer.concat([encodeSocksAddress(parts.target), parts.early ?? new Uint8Array(0)])
  return { bytes: sealAll(sealer, plain), sealer }
}

function encodeTimed(
  key: SsKey,
  salt: Uint8Array,
  { target, early = new Uint8Array(0), seconds = 0, padding = 0, identity = [] }: SsRequestParts,
): { bytes: Uint8Array; sealer: Sealer } {
  const pieces = createPieces(key.method, sessionKey(key, salt))
  const sealer = new ChunkSealer(pieces, MAX_CHUNK['2022'])
  const address = encodeSocksAddress(target)
  const front = Buffer.concat([address, Uint8Array.of(padding >> 8, padding & 0xff), new Uint8Array(padding)])
  const first = early.subarray(0, MAX_CHUNK['2022'] - front.length)
  const variable = Buffer.concat([front, first])
  const head = { type: HEADER_TYPE.REQUEST, seconds, requestSalt: new Uint8Array(0), length: variable.length }
  const bytes = Buffer.concat([
    salt,
    encodeIdentities([...identity, key], salt),
    sealPiece(pieces, encodeFixedHeader(head)),
    sealPiece(pieces, variable),
    sealAll(sealer, early.subarray(first.length)),
  ])
  return { bytes: new Uint8Array(bytes), sealer }
}

function sealAll(sealer: Sealer, plain: Uint8Array): Uint8Array {
  const out = new Uint8Array(sealer.room(plain.length))
  return out.subarray(0, sealer.seal(plain, out))
}

function sealPiece(pieces: PieceSealer, plain: Uint8Array): Uint8Array {
  const out = new Uint8Array(plain.length + TAG_BYTES)
  pieces.seal(plain, out, 0)
  return out
}
