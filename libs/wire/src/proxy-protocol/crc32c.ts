// CRC-32C (Castagnoli), reflected polynomial; zlib's crc32 has another one. Four octets a step: table k has what an octet
// becomes once k others have passed behind it.
const STEP = 4
const TABLES: Uint32Array = new Uint32Array(STEP * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  TABLES[byte] = crc
}
for (let at = 256; at < TABLES.length; at++) {
  const crc = TABLES[at - 256]!
  TABLES[at] = TABLES[crc & 0xff]! ^ (crc >>> 8)
}

/** CRC-32C of `bytes` as an unsigned number (RFC 3720 §12.1, test vectors in its B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1
  let at = 0
  for (const end = bytes.length - (bytes.length % STEP); at < end; at += STEP) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      TABLES[768 + (crc & 0xff)]! ^
      TABLES[512 + ((crc >>> 8) & 0xff)]! ^
      TABLES[256 + ((crc >>> 16) & 0xff)]! ^
      TABLES[crc >>> 24]!
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLES[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}
