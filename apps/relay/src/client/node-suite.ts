import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import type { NoiseKeys, NoiseSuite } from '../noise/noise-suite.ts'

/** SubjectPublicKeyInfo of X25519 (RFC 8410) up to the key itself. */
const SPKI = Buffer.from('302a300506032b656e032100', 'hex')
const TAG_BYTES = 16

/** @param privateKey of X25519 */
export const nodeKeys = (privateKey: KeyObject): NoiseKeys => {
  const publicKey = new Uint8Array(
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(SPKI.length),
  )
  const dh = (theirs: Uint8Array): Uint8Array =>
    diffieHellman({
      privateKey,
      publicKey: createPublicKey({ key: Buffer.concat([SPKI, theirs]), format: 'der', type: 'spki' }),
    })
  return { publicKey, dh }
}

/** Noise by node:crypto. */
export const nodeSuite: NoiseSuite = {
  generateKeys: () => nodeKeys(generateKeyPairSync('x25519').privateKey),
  seal: (key, nonce, ad, plain) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(ad)
    const sealed = cipher.update(plain)
    cipher.final()
    return Buffer.concat([sealed, cipher.getAuthTag()])
  },
  open: (key, nonce, ad, sealed) => {
    const end = Math.max(sealed.length - TAG_BYTES, 0)
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(ad)
    decipher.setAuthTag(sealed.subarray(end))
    const plain = decipher.update(sealed.subarray(0, end))
    decipher.final()
    return plain
  },
}
