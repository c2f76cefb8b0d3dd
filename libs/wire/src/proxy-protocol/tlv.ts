import { WireError } from '../wire-error.ts'
import { crc32c } from './crc32c.ts'

/** One extension of a version 2 header; `type` is a byte. */
export interface Tlv {
  readonly type: number
  readonly value: Uint8Array
}

/** Registered types, PROXY protocol §2.2. */
export const TLV_TYPE = {
  ALPN: 0x01,
  AUTHORITY: 0x02,
  CRC32C: 0x03,
  NOOP: 0x04,
  UNIQUE_ID: 0x05,
  SSL: 0x20,
  NETNS: 0x30,
} as const

const TLV_HEAD_BYTES = 3
const CRC_BYTES = 4

/**
 * The TLVs from `at` to the end of `header`, a copy that this function may change. A checksum among them is verified over
 * the whole header.
 *
 * @throws WireError WIRE_LENGTH, WIRE_VALUE (two checksums), WIRE_CHECKSUM
 */
export function readTlvs(header: Uint8Array, at: number): Tlv[] {
  const tlvs: Tlv[] = []
  let checksumAt = 0
  while (at < header.length) {
    const start = at + TLV_HEAD_BYTES
    const end = start + ((header[at + 1] ?? 0) << 8) + (header[at + 2] ?? 0)
    if (end > header.length) throw new WireError('WIRE_LENGTH', 'a TLV is longer than its header')
    const type = header[at]!
    if (type === TLV_TYPE.CRC32C) checksumAt = checkChecksumField(checksumAt, start, end)
    tlvs.push({ type, value: header.slice(start, end) })
    at = end
  }
  if (checksumAt > 0) verifyChecksum(header, checksumAt)
  return tlvs
}

/** Writes the TLVs from `at` on; the value of a checksum among them is computed. @throws WireError WIRE_VALUE, WIRE_LENGTH */
export function writeTlvs(header: Uint8Array, at: number, tlvs: readonly Tlv[]): void {
  let checksumAt = 0
  for (const { type, value } of tlvs) {
    if (!Number.isInteger(type) || type < 0 || type > 0xff) {
      throw new WireError('WIRE_VALUE', `TLV type ${type} is not one byte`)
    }
    header.set([type, value.length >> 8, value.length & 0xff], at)
    const start = at + TLV_HEAD_BYTES
    at = start + value.length
    if (type === TLV_TYPE.CRC32C) checksumAt = checkChecksumField(checksumAt, start, at)
    else header.set(value, start)
  }
  if (checksumAt > 0) new DataView(header.buffer).setUint32(checksumAt, crc32c(header))
}

export function tlvBytes(tlvs: readonly Tlv[]): number {
  return tlvs.reduce((sum, { value }) => sum + TLV_HEAD_BYTES + value.length, 0)
}

function checkChecksumField(earlier: number, start: number, end: number): number {
  if (earlier > 0) throw new WireError('WIRE_VALUE', 'there are two checksums')
  if (end - start !== CRC_BYTES) throw new WireError('WIRE_LENGTH', 'a checksum has 4 bytes')
  return start
}

function verifyChecksum(header: Uint8Array, at: number): void {
  const sent = new DataView(header.buffer).getUint32(at)
  header.fill(0, at, at + CRC_BYTES)
  if (crc32c(header) !== sent)
    throw new WireError('WIRE_CHECKSUM', 'the checksum of the PROXY header is wrong')
}
