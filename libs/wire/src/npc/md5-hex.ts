import type { Decode } from '../decode.ts'
import { decodeLatin1 } from '../latin1.ts'
import { WireError } from '../wire-error.ts'

/** Of an MD5 in lower-case hexadecimal. */
export const MD5_HEX_BYTES = 32

/** @throws WireError WIRE_SYNTAX at anything but a digit and a to f */
export function readMd5Hex(bytes: Uint8Array, at: number): string | undefined {
  const end = at + MD5_HEX_BYTES
  for (let i = at; i < Math.min(end, bytes.length); i++) {
    if (!isLowerHex(bytes[i]!))
      throw new WireError('WIRE_SYNTAX', 'an MD5 that is not lower-case hexadecimal')
  }
  return bytes.length < end ? undefined : decodeLatin1(bytes, at, end)
}

/** The MD5 of a verification key (client) or of the core version (server), in hexadecimal. */
export const decodeMd5Hex: Decode<string> = (bytes) => {
  const value = readMd5Hex(bytes, 0)
  return value === undefined ? undefined : { value, size: MD5_HEX_BYTES }
}

const isLowerHex = (byte: number): boolean => (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66)
