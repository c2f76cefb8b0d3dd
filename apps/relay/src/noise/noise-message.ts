import { type Decode, WireError } from '@sluice/wire'

/** Most octets of a message, Noise §3. */
export const MAX_MESSAGE = 65_535
export const TAG_BYTES = 16
/** Octets of the length in front of each message. */
export const LENGTH_BYTES = 2
/** Most octets that a record carries. */
export const MAX_PLAIN: number = MAX_MESSAGE - TAG_BYTES

/**
 * A message behind its length in two octets, network byte order.
 * @throws WireError WIRE_TOO_LONG
 */
export const noiseMessageDecoder =
  (maxBytes: number): Decode<Uint8Array> =>
  (bytes) => {
    if (bytes.length < LENGTH_BYTES) return undefined
    const end = LENGTH_BYTES + bytes[0]! * 256 + bytes[1]!
    if (end - LENGTH_BYTES > maxBytes) throw new WireError('WIRE_TOO_LONG', 'a message that is too long')
    if (bytes.length < end) return undefined
    // A copy, which `slice` of a Buffer would not be.
    return { value: new Uint8Array(bytes.subarray(LENGTH_BYTES, end)), size: end }
  }

/** @param message up to 65,535 octets */
export const encodeNoiseMessage = (message: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(LENGTH_BYTES + message.length)
  whole[0] = message.length >> 8
  whole[1] = message.length
  whole.set(message, LENGTH_BYTES)
  return whole
}
