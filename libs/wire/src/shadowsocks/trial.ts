import { WireError } from '../wire-error.ts'
import { MAX_CHUNK } from './chunk-opener.ts'
import { REQUEST_HEADER_BYTES } from './fixed-header.ts'
import { IDENTITY_BYTES } from './identity.ts'
import type { SsKey } from './key.ts'
import type { SsMethod } from './method.ts'
import { createPieces, isFirstLength, SEALED_LENGTH_BYTES } from './piece.ts'
import { TAG_BYTES } from './node-aead.ts'
import type { SsHeadOptions } from './request.ts'
import { sessionKey } from './session-key.ts'
import { decodeStreamRequest } from './stream-request.ts'

/** A name of one byte. */
const SHORTEST_ADDRESS = 5

/** How many bytes of a request {@link trial} needs. */
export function trialBytes(
  { kind, saltBytes, tagBytes }: SsMethod,
  { identity = false }: SsHeadOptions = {},
): number {
  if (kind === 'aead') return saltBytes + SEALED_LENGTH_BYTES
  if (kind !== '2022') return saltBytes + SHORTEST_ADDRESS
  return saltBytes + (identity ? IDENTITY_BYTES : 0) + REQUEST_HEADER_BYTES + tagBytes
}

/**
 * Whether the first bytes of a request were sealed with this key. Methods that authenticate nothing can but tell
 * whether an address comes out.
 * @param head at least {@link trialBytes} of it; with less it is false
 */
export function trial(key: SsKey, head: Uint8Array, options: SsHeadOptions = {}): boolean {
  const { method } = key
  const end = trialBytes(method, options)
  if (head.length < end) return false
  if (method.tagBytes === 0) return isPlausible(key, head)
  const session = sessionKey(key, head.subarray(0, method.saltBytes))
  if (method.kind === 'aead') {
    return isFirstLength(method, session, head.subarray(method.saltBytes, end), MAX_CHUNK.aead)
  }
  const plain = new Uint8Array(REQUEST_HEADER_BYTES)
  return createPieces(method, session).open(
    head.subarray(end - TAG_BYTES - REQUEST_HEADER_BYTES, end),
    plain,
    0,
  )
}

function isPlausible(key: SsKey, head: Uint8Array): boolean {
  try {
    decodeStreamRequest(key, head)
    return true
  } catch (error) {
    if (error instanceof WireError) return false
    throw error
  }
}
