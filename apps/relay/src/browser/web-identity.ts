import type { PeerIdentity } from '../peer/identity.ts'
import { type KeyStore, openKeyStore } from './key-store.ts'
import { own } from './web-crypto.ts'
import type { WebKeyPair } from './web-key.ts'

/** @param keys of Ed25519; the private one may be such that it cannot be exported */
export const webIdentity = async ({ publicKey, privateKey }: WebKeyPair): Promise<PeerIdentity> => ({
  publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)),
  sign: async (bytes) =>
    new Uint8Array(await crypto.subtle.sign({ name: 'Ed25519' }, privateKey, own(bytes))),
})

/** A new one, which ends with the page. Its private key cannot be exported. */
export const createIdentity = async (): Promise<PeerIdentity> => webIdentity(await newKeys())

/**
 * The identity of this origin: the one of the last time, or a new one. Its private key cannot be exported, but whatever
 * script runs on the origin can sign with it.
 * @param name where an origin has several
 */
export const loadIdentity = async (name = 'identity'): Promise<PeerIdentity> => {
  const store = await openKeyStore()
  try {
    return await webIdentity(await loadKeys(store, name))
  } finally {
    store.close()
  }
}

/** @internal */
export const loadKeys = async (store: KeyStore, name: string): Promise<WebKeyPair> => {
  const kept = await store.get(name)
  if (kept !== undefined) return kept
  const made = await newKeys()
  // Another page of the origin may have been quicker: then its keys count.
  return store.add(name, made)
}

const newKeys = async (): Promise<WebKeyPair> =>
  (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as WebKeyPair
