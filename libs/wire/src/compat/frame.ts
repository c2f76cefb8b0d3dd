import type { Decode, Decoded } from '../decode.ts'
import { WireError } from '../wire-error.ts'
import { maskCompat } from './mask.ts'

/** The most that a frame may carry: key and data. */
export const COMPAT_MAX_BYTES: number = 10 * 1024 * 1024
/** How long a key may be, both included. */
export const COMPAT_KEY_BYTES = { MIN: 33, MAX: 200 } as const
/** Of the magic that is random; as many bytes again follow from these. */
export const COMPAT_NONCE_BYTES = 4

const HEAD_BYTES = 12
const LENGTH_BYTES = 4

/** What comes before the payload of a request. */
export interface CompatHead {
  /** The random half of the magic. */
  readonly nonce: Uint8Array
  /** Bytes of the payload. */
  readonly length: number
}

/** What either side says: `data` is UTF-8 JSON, hidden from a passing look by `key`. */
export interface CompatFrame {
  /** 33 to 200 random bytes, which travel with the data: no secret. */
  readonly key: Uint8Array
  readonly data: Uint8Array
}

/** A request has a magic in front. */
export interface CompatRequestFrame extends CompatFrame {
  readonly nonce: Uint8Array
}

/**
 * The start of a request of the original. The last four bytes of the magic follow from the first: s[i] = ((p[i] XOR 0x5a)
 * + i * 0x17) mod 256.
 *  +-------+-------+--------+
 *  |   p   |   s   | LENGTH |
 *  |   4   |   4   | 4 (BE) |
 *  +-------+-------+--------+
 * @throws WireError WIRE_VERSION for a byte of the magic that does not follow; WIRE_TOO_LONG over 10 MiB
 */
export const decodeCompatHead: Decode<CompatHead> = (bytes) => {
  for (let i = 0; i < COMPAT_NONCE_BYTES && COMPAT_NONCE_BYTES + i < bytes.length; i++) {
    if (bytes[COMPAT_NONCE_BYTES + i] !== follows(bytes[i]!, i)) {
      throw new WireError('WIRE_VERSION', 'the magic is not that of a request')
    }
  }
  const length = readLength(bytes, HEAD_BYTES - LENGTH_BYTES)
  return length === undefined
    ? undefined
    : { value: { nonce: copy(bytes, 0, COMPAT_NONCE_BYTES), length }, size: HEAD_BYTES }
}

/** @throws WireError WIRE_LENGTH unless the nonce has 4 bytes; WIRE_TOO_LONG over 10 MiB */
export function encodeCompatHead({ nonce, length }: CompatHead): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES)
  putHead(bytes, nonce, length)
  return bytes
}

/**
 * Head and payload. A server reads them apart, since a payload is large; see {@link decodeCompatHead}, {@link openCompat}.
 * @throws WireError as these two do
 */
export const decodeCompatRequest: Decode<CompatRequestFrame> = (bytes) => {
  const head = decodeCompatHead(bytes)
  if (head === undefined) return undefined
  const frame = decodePayload(bytes, head.size, head.value.length)
  return frame && { value: { nonce: head.value.nonce, ...frame.value }, size: frame.size }
}

/** @throws WireError WIRE_LENGTH for a nonce or key of a wrong length; WIRE_TOO_LONG over 10 MiB */
export function encodeCompatRequest({ nonce, key, data }: CompatRequestFrame): Uint8Array {
  const payload = payloadBytes(key, data)
  const bytes = new Uint8Array(HEAD_BYTES + payload)
  putHead(bytes, nonce, payload)
  putPayload(bytes, HEAD_BYTES, key, data)
  return bytes
}

/**
 * An answer of the original: no magic.
 *  +--------+---------+
 *  | LENGTH | PAYLOAD |
 *  | 4 (BE) | LENGTH  |
 *  +--------+---------+
 * @throws WireError WIRE_TOO_LONG over 10 MiB, and as {@link openCompat} does
 */
export const decodeCompatResponse: Decode<CompatFrame> = (bytes) => {
  const length = readLength(bytes, 0)
  return length === undefined ? undefined : decodePayload(bytes, LENGTH_BYTES, length)
}

/** @throws WireError WIRE_LENGTH for a key of a wrong length; WIRE_TOO_LONG over 10 MiB */
export function encodeCompatResponse({ key, data }: CompatFrame): Uint8Array {
  const payload = payloadBytes(key, data)
  const bytes = new Uint8Array(LENGTH_BYTES + payload)
  putLength(bytes, 0, payload)
  putPayload(bytes, LENGTH_BYTES, key, data)
  return bytes
}

/**
 * The data of a whole payload; its memory is that of the payload, in which it was unmasked: to be called once.
 *  +--------+--------+--------------+
 *  | KEYLEN |  KEY   | DATA XOR KEY |
 *  |   1    | KEYLEN |   the rest   |
 *  +--------+--------+--------------+
 * @throws WireError WIRE_LENGTH for a key that is not of 33 to 200 bytes, or not all there
 */
export function openCompat(payload: Uint8Array): Uint8Array {
  const dataAt = 1 + checkKey(payload[0] ?? 0, payload.length)
  const data = payload.subarray(dataAt)
  maskCompat(data, payload.subarray(1, dataAt))
  return data
}

const follows = (byte: number, index: number): number => ((byte ^ 0x5a) + index * 0x17) & 0xff

function decodePayload(bytes: Uint8Array, at: number, length: number): Decoded<CompatFrame> | undefined {
  if (length <= COMPAT_KEY_BYTES.MIN) throw new WireError('WIRE_LENGTH', 'no key fits into the payload')
  if (bytes.length <= at) return undefined
  const dataAt = at + 1 + checkKey(bytes[at]!, length)
  const end = at + length
  if (bytes.length < end) return undefined
  const key = copy(bytes, at + 1, dataAt)
  const data = copy(bytes, dataAt, end)
  maskCompat(data, key)
  return { value: { key, data }, size: end }
}

/** @returns the length of the key */
function checkKey(keyBytes: number, payloadLength: number): number {
  const { MIN, MAX } = COMPAT_KEY_BYTES
  if (keyBytes >= MIN && keyBytes <= MAX && keyBytes < payloadLength) return keyBytes
  throw new WireError('WIRE_LENGTH', `a key of ${keyBytes} bytes in a payload of ${payloadLength}`)
}

/** Undefined while it is not whole; what can only become too much is an error at once. */
function readLength(bytes: Uint8Array, at: number): number | undefined {
  let least = 0
  for (let i = 0; i < LENGTH_BYTES; i++) least = least * 256 + (bytes[at + i] ?? 0)
  checkLength(least)
  return bytes.length < at + LENGTH_BYTES ? undefined : least
}

function checkLength(length: number): number {
  if (length > COMPAT_MAX_BYTES) throw new WireError('WIRE_TOO_LONG', 'a frame is over 10 MiB')
  return length
}

function payloadBytes(key: Uint8Array, data: Uint8Array): number {
  return checkLength(1 + checkKey(key.length, Infinity) + data.length)
}

function putHead(bytes: Uint8Array, nonce: Uint8Array, length: number): void {
  if (nonce.length !== COMPAT_NONCE_BYTES) throw new WireError('WIRE_LENGTH', 'a nonce has 4 bytes')
  bytes.set(nonce)
  for (let i = 0; i < COMPAT_NONCE_BYTES; i++) bytes[COMPAT_NONCE_BYTES + i] = follows(nonce[i]!, i)
  putLength(bytes, HEAD_BYTES - LENGTH_BYTES, checkLength(length))
}

function putLength(bytes: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < LENGTH_BYTES; i++) bytes[at + i] = length >>> (24 - 8 * i)
}

function putPayload(bytes: Uint8Array, at: number, key: Uint8Array, data: Uint8Array): void {
  bytes[at] = key.length
  bytes.set(key, at + 1)
  bytes.set(data, at + 1 + key.length)
  maskCompat(bytes.subarray(at + 1 + key.length), key)
}

// Not slice(): on a Buffer that would share the memory.
function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end))
}
