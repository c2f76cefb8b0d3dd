import type { Verify } from '../peer/identity.ts'
import type { NoiseKeys, NoiseSuite } from '../noise/noise-suite.ts'
import type { WebKey, WebKeyPair } from './web-key.ts'

export const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))

/** WebCrypto takes no memory that threads share; a copy never is. */
export const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

const generateKeys = async (): Promise<NoiseKeys> => {
  const pair = (await crypto.subtle.generateKey('X25519', false, ['deriveBits'])) as WebKeyPair
  const dh = async (theirs: Uint8Array): Promise<Uint8Array> => {
    const key = await crypto.subtle.importKey('raw', own(theirs), { name: 'X25519' }, false, [])
    return new Uint8Array(
      await crypto.subtle.deriveBits({ name: 'X25519', public: key }, pair.privateKey, 256),
    )
  }
  return { publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)), dh }
}

/** A key of AES-256-GCM. @param key 32 octets */
export const gcmKey = (key: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<WebKey> =>
  crypto.subtle.importKey('raw', own(key), { name: 'AES-GCM' }, false, [use])

const parametersOf = (nonce: Uint8Array, ad: Uint8Array) => ({
  name: 'AES-GCM',
  iv: own(nonce),
  additionalData: own(ad),
})

export const gcmSeal = async (
  key: WebKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  plain: Uint8Array,
): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.encrypt(parametersOf(nonce, ad), key, own(plain)))

export const gcmOpen = async (
  key: WebKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.decrypt(parametersOf(nonce, ad), key, own(sealed)))

/** Noise by WebCrypto. */
export const webSuite: NoiseSuite = {
  generateKeys,
  seal: async (key, nonce, ad, plain) => {
    const at = own(nonce)
    return gcmSeal(await gcmKey(key, 'encrypt'), at, ad, plain)
  },
  open: async (key, nonce, ad, sealed) => {
    const at = own(nonce)
    return gcmOpen(await gcmKey(key, 'decrypt'), at, ad, sealed)
  },
}

export const webVerify: Verify = async (publicKey, bytes, signature) => {
  try {
    const key = await crypto.subtle.importKey('raw', own(publicKey), { name: 'Ed25519' }, false, ['verify'])
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, own(signature), own(bytes))
  } catch {
    return false
  }
}
