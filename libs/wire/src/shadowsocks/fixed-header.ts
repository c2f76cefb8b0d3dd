import { WireError } from '../wire-error.ts'

/** Who sent a header: a client or a server. */
export const HEADER_TYPE = { REQUEST: 0, RESPONSE: 1 } as const

const SALT_AT = 9
const LENGTH_BYTES = 2
/** Plain bytes of the fixed header of a request. */
export const REQUEST_HEADER_BYTES: number = SALT_AT + LENGTH_BYTES
/** Plain bytes of the fixed header of a response. */
export const responseHeaderBytes = (saltBytes: number): number => REQUEST_HEADER_BYTES + saltBytes

/** The first sealed piece of the 2022 methods. */
export interface FixedHeader {
  readonly type: number
  /** When it was sealed, in s since 1970. */
  readonly seconds: number
  /** Of the request that a response answers; empty in a request. */
  readonly requestSalt: Uint8Array
  /** Plain bytes of the piece that follows. */
  readonly length: number
}

/**
 * The fixed header of a request or a response, SIP022 §3.1.3; only a response has the salt.
 *  +------+-----------+--------------+--------+
 *  | TYPE | TIMESTAMP | REQUEST SALT | LENGTH |
 *  |  1   |  8 (BE)   | 16, 32 or 0  | 2 (BE) |
 *  +------+-----------+--------------+--------+
 */
export function encodeFixedHeader({ type, seconds, requestSalt, length }: FixedHeader): Uint8Array {
  const bytes = new Uint8Array(responseHeaderBytes(requestSalt.length))
  const view = new DataView(bytes.buffer)
  bytes[0] = type
  view.setBigUint64(1, BigInt(seconds))
  bytes.set(requestSalt, SALT_AT)
  view.setUint16(bytes.length - LENGTH_BYTES, length)
  return bytes
}

/**
 * Takes all of `bytes` for a header.
 * @throws WireError WIRE_VALUE where it is not of this type
 */
export function decodeFixedHeader(bytes: Uint8Array, type: number): FixedHeader {
  if (bytes[0] !== type) throw new WireError('WIRE_VALUE', `header type ${bytes[0]} is not ${type}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    type,
    seconds: Number(view.getBigUint64(1)),
    requestSalt: new Uint8Array(bytes.subarray(SALT_AT, bytes.length - LENGTH_BYTES)),
    length: view.getUint16(bytes.length - LENGTH_BYTES),
  }
}
