import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { SsKey } from './key.ts'
import type { SsMethod } from './method.ts'
import { identityKey, keyHash } from './session-key.ts'

/** Of one identity header (SIP023 §2.2). */
export const IDENTITY_BYTES = 16

/** Whether a client can say in an identity header whose key follows: SIP023 defines them for AES alone. */
export const hasIdentity = ({ kind, cipher }: SsMethod): boolean =>
  kind === '2022' && cipher!.startsWith('aes')

/**
 * The identity header of a request (SIP023 §2.2): {@link keyHash} of the user's key.
 * @param head what the client sent, salt first
 * @returns undefined while the header is incomplete, or where the method has none
 */
export function identityOf(serverKey: SsKey, head: Uint8Array): Uint8Array | undefined {
  const { saltBytes } = serverKey.method
  if (head.length < saltBytes + IDENTITY_BYTES || !hasIdentity(serverKey.method)) return undefined
  const block = head.subarray(saltBytes, saltBytes + IDENTITY_BYTES)
  const decipher = createDecipheriv(ecb(serverKey), identityKey(serverKey, head.subarray(0, saltBytes)), null)
  return new Uint8Array(decipher.setAutoPadding(false).update(block))
}

/**
 * The identity headers of a client's request.
 * @param keys of the servers that the request passes, then the user's own
 */
export function encodeIdentities(keys: readonly SsKey[], salt: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((keys.length - 1) * IDENTITY_BYTES)
  for (const [index, next] of keys.slice(1).entries()) {
    const key = keys[index]!
    const cipher = createCipheriv(ecb(key), identityKey(key, salt), null)
    bytes.set(cipher.setAutoPadding(false).update(keyHash(next)), index * IDENTITY_BYTES)
  }
  return bytes
}

const ecb = ({ method }: SsKey): string => `aes-${method.keyBytes * 8}-ecb`
