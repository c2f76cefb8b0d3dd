import { createCipheriv, createDecipheriv } from 'node:crypto'
import { bodyOf, type SsBody } from './datagram-body.ts'
import {
  openSealed,
  plainScratch,
  type SealKey,
  sealBehind,
  sealKey,
  xchachaSealKey,
} from './datagram-seal.ts'
import type { SsKey } from './key.ts'
import { sessionKey } from './session-key.ts'
import { XCHACHA_NONCE_BYTES } from './xchacha.ts'

/** A datagram of any method but those of 2022, opened. */
export interface SsDatagram extends SsBody {
  /** What makes it unique, part of the datagram's own bytes; of the method `none` empty. */
  readonly salt: Uint8Array
}

const NONCE = new Uint8Array(12)
const XCHACHA_NONCE = new Uint8Array(XCHACHA_NONCE_BYTES)

/**
 * Opens a datagram, both ways alike (SIP004 §2.2):
 *  +------+------------------------+
 *  | SALT | sealed: ADDR | PAYLOAD |
 *  +------+------------------------+
 * @returns undefined where it was not sealed with this key, which only AEAD can tell, or is too short for it
 * @throws WireError WIRE_LENGTH, WIRE_ADDRESS_TYPE, WIRE_ADDRESS: what it holds is wrong, or without AEAD, the key
 */
export function openDatagram(key: SsKey, bytes: Uint8Array): SsDatagram | undefined {
  const { saltBytes } = key.method
  if (bytes.length <= saltBytes) return undefined
  const salt = bytes.subarray(0, saltBytes)
  const plain = opened(key, salt, bytes.subarray(saltBytes))
  if (plain === undefined) return undefined
  const { address, payload } = bodyOf(plain, 0)
  return { salt, address, payload }
}

/**
 * Seals a datagram, both ways alike.
 * @param salt new and random, `saltBytes` of the method
 * @param head the address, as {@link encodeSocksAddress} gives it: for many datagrams it is made once
 * @throws WireError WIRE_TOO_LONG where UDP could not carry the payload
 */
export function sealDatagram(
  key: SsKey,
  salt: Uint8Array,
  head: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const plain = plainScratch(head.length + payload.length)
  plain.set(head)
  plain.set(payload, head.length)
  const bytes = sealed(key, salt, plain)
  bytes.set(salt)
  return bytes
}

function opened(key: SsKey, salt: Uint8Array, bytes: Uint8Array): Uint8Array | undefined {
  const { kind, cipher } = key.method
  if (kind === 'none') return bytes
  if (kind === 'stream') return createDecipheriv(cipher!, key.bytes, salt).update(bytes)
  const { under, nonce } = aeadOf(key, salt)
  return openSealed(under, nonce, bytes)
}

/** With room for the salt in front. */
function sealed(key: SsKey, salt: Uint8Array, plain: Uint8Array): Buffer {
  const { kind, cipher } = key.method
  if (kind === 'none') return Buffer.from(plain)
  if (kind === 'stream') {
    return Buffer.concat([salt, createCipheriv(cipher!, key.bytes, salt).update(plain)])
  }
  const { under, nonce } = aeadOf(key, salt)
  return sealBehind(salt.length, under, nonce, plain)
}

function aeadOf(key: SsKey, salt: Uint8Array): { under: SealKey; nonce: Uint8Array } {
  const bytes = sessionKey(key, salt)
  if (key.method.cipher === undefined) return xchachaSealKey(bytes, XCHACHA_NONCE)
  return { under: sealKey(key.method, bytes), nonce: NONCE }
}
