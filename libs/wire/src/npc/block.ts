import { WireError } from '../wire-error.ts'

const LENGTH_BYTES = 4

/** What a length of four octets (little-endian) in front says, and the index behind it. */
export interface Block {
  readonly bytes: Uint8Array
  readonly end: number
}

/**
 * A part of `bytes`, not a copy.
 * @returns undefined while it is not whole
 * @throws WireError WIRE_TOO_LONG above `max` octets; a negative length is one of more than 2^31
 */
export function readBlock(bytes: Uint8Array, at: number, max: number): Block | undefined {
  const start = at + LENGTH_BYTES
  if (bytes.length < start) return undefined
  const length = readU32(bytes, at)
  if (length > max) throw new WireError('WIRE_TOO_LONG', `a field of more than ${max} octets`)
  const end = start + length
  return bytes.length < end ? undefined : { bytes: bytes.subarray(start, end), end }
}

export function block(bytes: Uint8Array): Uint8Array {
  return joined(u32(bytes.length), bytes)
}

export function textBlock(text: string): Uint8Array {
  return block(encodeText(text))
}

/** @throws WireError WIRE_SYNTAX when it is no well-formed UTF-8, or has control characters */
export function lineText(bytes: Uint8Array): string {
  const text = decodeText(bytes)
  if (CONTROL.test(text)) throw new WireError('WIRE_SYNTAX', 'a control character in a text')
  return text
}

/** @throws WireError WIRE_SYNTAX when it is no well-formed UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new WireError('WIRE_SYNTAX', 'a text that is not UTF-8')
  }
}

export function encodeText(text: string): Uint8Array {
  return ENCODER.encode(text)
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ENCODER = new TextEncoder()
const CONTROL = /\p{Cc}/u
