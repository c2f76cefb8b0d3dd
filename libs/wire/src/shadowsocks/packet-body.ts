import { WireError } from '../wire-error.ts'
import { bodyOf, type SsBody } from './datagram-body.ts'

/** Which way a packet goes. */
export const PACKET_TYPE = { UP: 0, DOWN: 1 } as const
export type PacketType = (typeof PACKET_TYPE)[keyof typeof PACKET_TYPE]

/** How far the clocks of both ends may differ (SIP022 §3.1.4), in s. */
const MAX_CLOCK_DIFFERENCE = 30

/** What stands in front of the address in a body. */
export interface PacketBodyHead {
  readonly type: PacketType
  /** When it was sealed, in s since 1970. */
  readonly seconds: number
  /** Of the session that is answered: 0 bytes up, 8 down. */
  readonly clientId: Uint8Array
  /** Bytes of padding. */
  readonly padding: number
}

const CLIENT_ID_AT = 9

/** Bytes of {@link writeBodyHead}. */
export const bodyHeadBytes = ({ clientId, padding }: PacketBodyHead): number =>
  CLIENT_ID_AT + clientId.length + 2 + padding

/**
 * Writes what stands in front of the address in a body (SIP022 §3.2.2):
 *  +------+-----------+-------------------+----------------+---------+
 *  | TYPE | TIMESTAMP | CLIENT SESSION ID | PADDING LENGTH | PADDING |
 *  |  1   |  8 (BE)   | down only: 8      |     2 (BE)     |         |
 *  +------+-----------+-------------------+----------------+---------+
 */
export function writeBodyHead(into: Buffer, at: number, head: PacketBodyHead): void {
  const { type, seconds, clientId, padding } = head
  into[at] = type
  into.writeUInt32BE(Math.floor(seconds / 0x1_0000_0000), at + 1)
  into.writeUInt32BE(seconds % 0x1_0000_0000, at + 5)
  into.set(clientId, at + CLIENT_ID_AT)
  const end = at + CLIENT_ID_AT + clientId.length
  into.writeUInt16BE(padding, end)
  into.fill(0, end + 2, end + 2 + padding)
}

/**
 * Reads an authentic body.
 * @param expected `seconds` is our own clock; `padding` means nothing
 * @throws WireError WIRE_CLOCK where the clocks differ by over 30 s; WIRE_VALUE for another type or session; WIRE_LENGTH,
 *   WIRE_ADDRESS_TYPE, WIRE_ADDRESS
 */
export function readBody(plain: Buffer, expected: Omit<PacketBodyHead, 'padding'>): SsBody {
  const { type, seconds, clientId } = expected
  const lengthAt = CLIENT_ID_AT + clientId.length
  if (plain.length < lengthAt + 2) throw new WireError('WIRE_LENGTH', 'the body ends within its head')
  if (plain[0] !== type) throw new WireError('WIRE_VALUE', `packet type ${plain[0]} is not ${type}`)
  const sealedAt = plain.readUInt32BE(1) * 0x1_0000_0000 + plain.readUInt32BE(5)
  const off = sealedAt - seconds
  if (Math.abs(off) > MAX_CLOCK_DIFFERENCE) throw new WireError('WIRE_CLOCK', `its clock is ${off} s off`)
  if (plain.compare(clientId, 0, clientId.length, CLIENT_ID_AT, lengthAt) !== 0) {
    throw new WireError('WIRE_VALUE', 'the answer is for another session')
  }
  return bodyOf(plain, lengthAt + 2 + plain.readUInt16BE(lengthAt))
}
