import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

/** What node:crypto calls the ciphers of all AEAD methods. */
export type AeadName = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'

export const TAG_BYTES = 16
export const NONCE_BYTES = 12

const OPTIONS = { authTagLength: TAG_BYTES }

/**
 * Writes `plain` sealed, and its tag, to `out` from `at` on.
 * @param key an object, since raw bytes cost a context ten times as much on Node 24
 */
export function nodeSeal(
  name: AeadName,
  key: KeyObject,
  nonce: Uint8Array,
  plain: Uint8Array,
  out: Uint8Array,
  at: number,
): void {
  const cipher = createCipheriv(name as 'aes-256-gcm', key, nonce, OPTIONS)
  out.set(cipher.update(plain), at)
  cipher.final()
  out.set(cipher.getAuthTag(), at + plain.length)
}

/**
 * Writes what `sealed` holds in front of its tag to `out` from `at` on.
 * @returns whether it is authentic; if not, what was written is worth nothing
 */
export function nodeOpen(
  name: AeadName,
  key: KeyObject,
  nonce: Uint8Array,
  sealed: Uint8Array,
  out: Uint8Array,
  at: number,
): boolean {
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(name as 'aes-256-gcm', key, nonce, OPTIONS)
  decipher.setAuthTag(sealed.subarray(end))
  out.set(decipher.update(sealed.subarray(0, end)), at)
  try {
    decipher.final()
    return true
  } catch {
    return false
  }
}
