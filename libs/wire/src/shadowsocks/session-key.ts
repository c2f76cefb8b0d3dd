import { blake3 } from '@noble/hashes/blake3.js'
import { hkdfSha1 } from './hkdf-sha1.ts'
import type { SsKey } from './key.ts'

const INFO_2017 = Buffer.from('ss-subkey')
const SESSION_2022 = Buffer.from('shadowsocks 2022 session subkey')
const IDENTITY_2022 = Buffer.from('shadowsocks 2022 identity subkey')

/**
 * The key of one direction of a conn, or of one datagram: HKDF-SHA1 of the master key (SIP004), or for 2022 methods
 * BLAKE3 (SIP022 §3.1.1).
 * @param salt for datagrams of the 2022 AES methods, the session ID
 */
export function sessionKey({ method, bytes }: SsKey, salt: Uint8Array): Uint8Array {
  if (method.kind === '2022') return derived(SESSION_2022, bytes, salt)
  return hkdfSha1(bytes, salt, INFO_2017, method.keyBytes)
}

/** The key under which an identity header stands (SIP023 §2.2). */
export function identityKey({ bytes }: SsKey, salt: Uint8Array): Uint8Array {
  return derived(IDENTITY_2022, bytes, salt)
}

/** What an identity header says about the key that comes next: the first 16 bytes of its BLAKE3 hash (SIP023 §2.2). */
export function keyHash({ bytes }: SsKey): Uint8Array {
  return blake3(bytes).subarray(0, 16)
}

const derived = (context: Uint8Array, key: Uint8Array, salt: Uint8Array): Uint8Array =>
  blake3(Buffer.concat([key, salt]), { context, dkLen: key.length })
