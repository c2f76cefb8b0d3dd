import type { Decode } from './decode.ts'
import { WireError } from './wire-error.ts'

/** Of the text, in octets. */
export const MAX_PREAMBLE_BYTES: number = 64 * 1024
const LENGTH_BYTES = 4

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * What a message says of itself in front of its body: the length of a text in 4 octets, big-endian, then the text, which is
 * well-formed UTF-8 of 1 to 65,536 octets. That it is JSON, and what it says, is for whoever reads it to see.
 *
 * @throws WireError WIRE_LENGTH for an empty text, WIRE_TOO_LONG, WIRE_SYNTAX for what is not UTF-8
 */
export const decodePreamble: Decode<string> = (bytes) => {
  if (bytes.length < LENGTH_BYTES) return undefined
  const length = bytes[0]! * 0x1000000 + ((bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!)
  checkLength(length)
  const size = LENGTH_BYTES + length
  return bytes.length < size ? undefined : { value: readText(bytes.subarray(LENGTH_BYTES, size)), size }
}

/** @throws WireError as {@link decodePreamble} */
export function encodePreamble(text: string): Uint8Array {
  // A lone surrogate would come back as another character.
  if (!text.isWellFormed()) throw new WireError('WIRE_SYNTAX', 'the preamble is not Unicode')
  const octets = utf8Encoder.encode(text)
  checkLength(octets.length)
  const bytes = new Uint8Array(LENGTH_BYTES + octets.length)
  new DataView(bytes.buffer).setUint32(0, octets.length)
  bytes.set(octets, LENGTH_BYTES)
  return bytes
}

function checkLength(length: number): void {
  if (length === 0) throw new WireError('WIRE_LENGTH', 'the preamble is empty')
  if (length > MAX_PREAMBLE_BYTES) throw new WireError('WIRE_TOO_LONG', 'the preamble is over 64 KiB')
}

function readText(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    throw new WireError('WIRE_SYNTAX', 'the preamble is not UTF-8')
  }
}
