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

const rawOf = (spki: Buffer): Uint8Array => new Uint8Array(spki.subarray(SPKI.length))

/** @param privateKey of X25519 @param publicKey its 32 octets, where they are known */
export const nodeKeys = (
  privateKey: KeyObject,
  publicKey: Uint8Array = rawOf(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
): NoiseKeys => ({
  publicKey,
  dh: (theirs) =>
    diffieHellman({
      privateKey,
      publicKey: createPublicKey({ key: Buffer.concat([SPKI, theirs]), format: 'der', type: 'spki' }),
    }),
})

const generateKeys = (): NoiseKeys => {
  // Encoded at once: to export it later would take as long as to make it.
  const publicKeyEncoding = { type: 'spki', format: 'der' } as const
  const pair = generateKeyPairSync('x25519', { publicKeyEncoding } as object) as unknown as EncodedPair
  return nodeKeys(pair.privateKey, rawOf(pair.publicKey))
}

/** The types of Node know of pairs that are encoded both or not at all. */
interface EncodedPair {
  readonly publicKey: Buffer
  readonly privateKey: KeyObject
}

/** Made while nothing else is to do: to make a pair takes as long as a Diffie-Hellman, and everybody waits for it. */
const spare: NoiseKeys[] = []
const MOST_SPARE = 4
let isMaking = false

const makeSpare = (): void => {
  spare.push(generateKeys())
  isMaking = spare.length < MOST_SPARE
  if (isMaking) setImmediate(makeSpare).unref()
}

const takeKeys = (): NoiseKeys => {
  if (!isMaking) setImmediate(makeSpare).unref()
  isMaking = true
  return spare.pop() ?? generateKeys()
}

/** Noise by node:crypto. */
export const nodeSuite: NoiseSuite = {
  generateKeys: takeKeys,
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
