import { createPublicKey, type KeyObject } from 'node:crypto'

/** In front of a raw key, RFC 8410. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** The key with these 32 octets, RFC 8032. @throws where they are not 32 */
export const publicKeyOf = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' })

/** The 32 octets of an Ed25519 key; undefined for a key of another kind. */
export const rawPublicKey = (key: KeyObject): Uint8Array | undefined =>
  key.asymmetricKeyType === 'ed25519' ? key.export({ format: 'der', type: 'spki' }).subarray(-32) : undefined
