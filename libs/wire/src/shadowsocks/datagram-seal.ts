import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { WireError } from '../wire-error.ts'
import type { SsMethod } from './method.ts'
import { type AeadName, TAG_BYTES } from './node-aead.ts'
import { xchachaKey, xchachaNonce } from './xchacha.ts'

const OPTIONS = { authTagLength: TAG_BYTES }
/** UDP carries no more. */
const MAX_PLAIN_BYTES = 0xffff

/** What a whole datagram is sealed under, made ready for many of them. */
export interface SealKey {
  readonly cipher: AeadName
  readonly key: KeyObject
}

/** @param key of a session or of one datagram; a KeyObject costs createCipheriv a tenth of what raw bytes do */
export function sealKey(method: SsMethod, key: Uint8Array): SealKey {
  return { cipher: (method.cipher ?? 'chacha20-poly1305') as AeadName, key: createSecretKey(key) }
}

/** The same for XChaCha20-Poly1305, where it holds for one nonce, with the nonce to use. */
export function xchachaSealKey(key: Uint8Array, nonce: Uint8Array): { under: SealKey; nonce: Uint8Array } {
  const under = { cipher: 'chacha20-poly1305' as AeadName, key: createSecretKey(xchachaKey(key, nonce)) }
  return { under, nonce: xchachaNonce(nonce) }
}

/**
 * What `sealed`, with its tag at the end, holds.
 * @returns undefined where it was sealed under another key, or changed
 */
export function openSealed(
  { cipher, key }: SealKey,
  nonce: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  const end = sealed.length - TAG_BYTES
  if (end < 0) return undefined
  // The types know no AEAD without a name; all take the same calls.
  const decipher = createDecipheriv(cipher as 'aes-256-gcm', key, nonce, OPTIONS)
  decipher.setAuthTag(sealed.subarray(end))
  const plain = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

/** A new datagram that holds `plain` and its tag behind `start` bytes, which are left to the caller. */
export function sealBehind(
  start: number,
  { cipher, key }: SealKey,
  nonce: Uint8Array,
  plain: Uint8Array,
): Buffer {
  const sealer = createCipheriv(cipher as 'aes-256-gcm', key, nonce, OPTIONS)
  const sealed = sealer.update(plain)
  sealer.final()
  const end = start + sealed.length
  const bytes = Buffer.allocUnsafe(end + TAG_BYTES)
  bytes.set(sealed, start)
  bytes.set(sealer.getAuthTag(), end)
  return bytes
}

let scratch: Buffer | undefined

/**
 * Bytes to put together what is sealed next: one call of a cipher is cheaper than two and a copy. Valid until the next
 * call of this function.
 * @throws WireError WIRE_TOO_LONG
 */
export function plainScratch(length: number): Buffer {
  if (length > MAX_PLAIN_BYTES) throw new WireError('WIRE_TOO_LONG', 'no datagram holds as much')
  scratch ??= Buffer.allocUnsafeSlow(MAX_PLAIN_BYTES)
  return scratch.subarray(0, length)
}
