import { hash } from 'node:crypto'
import { WireError } from '../wire-error.ts'
import type { SsMethod } from './method.ts'

/** A master key, with the method that it is for. */
export interface SsKey {
  readonly method: SsMethod
  /** `method.keyBytes` of them. */
  readonly bytes: Uint8Array
}

const MD5_BYTES = 16
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}(?:==)?|[A-Za-z\d+/]{3}=?)?$/

/**
 * The master key of a secret: for 2022 methods the secret is the key in Base64 (SIP022 §2.1), of exactly its length;
 * for all others a password, of which EVP_BytesToKey with MD5, no salt and one round makes the key.
 * @throws WireError WIRE_KEY, without the secret in its words
 */
export function ssKey(method: SsMethod, secret: string): SsKey {
  return {
    method,
    bytes: method.kind === '2022' ? keyOfBase64(method, secret) : keyOfPassword(method, secret),
  }
}

function keyOfBase64({ name, keyBytes }: SsMethod, secret: string): Uint8Array {
  if (!BASE64.test(secret)) throw new WireError('WIRE_KEY', `the key of ${name} is not Base64`)
  const bytes = Buffer.from(secret, 'base64')
  if (bytes.length === keyBytes) return bytes
  throw new WireError('WIRE_KEY', `the key of ${name} has ${bytes.length} bytes, not ${keyBytes}`)
}

function keyOfPassword({ keyBytes }: SsMethod, password: string): Uint8Array {
  const key = new Uint8Array(keyBytes)
  const secret = Buffer.from(password)
  let block = hash('md5', secret, 'buffer')
  key.set(block.subarray(0, keyBytes))
  for (let at = MD5_BYTES; at < keyBytes; at += MD5_BYTES) {
    block = hash('md5', Buffer.concat([block, secret]), 'buffer')
    key.set(block.subarray(0, keyBytes - at), at)
  }
  return key
}
