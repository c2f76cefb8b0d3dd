import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify as verifySignature,
} from 'node:crypto'
import type { PeerIdentity, Verify } from '../peer/identity.ts'

/** SubjectPublicKeyInfo of Ed25519 (RFC 8410) up to the key itself. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** @param privateKey of Ed25519 */
export const nodeIdentity = (privateKey: KeyObject): PeerIdentity => ({
  publicKey: new Uint8Array(
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(SPKI.length),
  ),
  sign: (bytes) => sign(null, bytes, privateKey),
})

export const generateIdentity = (): PeerIdentity => nodeIdentity(generateKeyPairSync('ed25519').privateKey)

export const nodeVerify: Verify = (publicKey, bytes, signature) => {
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' })
    return verifySignature(null, bytes, key, signature)
  } catch {
    return false
  }
}
