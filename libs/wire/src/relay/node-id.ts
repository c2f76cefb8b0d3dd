import { sha256 } from '@noble/hashes/sha2.js'
import { base58 } from '@scure/base'
import { WireError } from '../wire-error.ts'

/** Octets of a NodeID. */
export const NODE_ID_BYTES = 32
/** Octets of an Ed25519 public key, RFC 8032. */
export const PUBLIC_KEY_BYTES = 32

/** 32 octets of 1 in front of the alphabet's last letters need no more. */
const MAX_TEXT = 44

/** Who a peer is: SHA-256 of its raw Ed25519 public key. */
export const nodeIdOf = (publicKey: Uint8Array): Uint8Array => sha256(publicKey)

/** A NodeID as people see it: Base58, 32 to 44 characters. */
export const formatNodeId = (id: Uint8Array): string => base58.encode(id)

/** @throws WireError WIRE_VALUE where `text` is not the Base58 of 32 octets, or all of them are 0 */
export const parseNodeId = (text: string): Uint8Array => {
  const id = text.length <= MAX_TEXT ? decoded(text) : undefined
  if (id?.length !== NODE_ID_BYTES || isZero(id)) {
    throw new WireError('WIRE_VALUE', 'not a NodeID: wanted are 32 octets in Base58')
  }
  return id
}

/** No key has this digest as far as anybody knows, so it stands for nobody. */
export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

const decoded = (text: string): Uint8Array | undefined => {
  try {
    return base58.decode(text)
  } catch {
    return undefined
  }
}
