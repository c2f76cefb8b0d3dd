import { WireError } from '../wire-error.ts'

/** One past the last octet that was read. */
interface Cursor {
  at: number
}

/**
 * Decompresses one block, https://github.com/google/snappy/blob/main/format_description.txt.
 * @param max octets that may come out; the block says in front how many that are
 * @throws WireError WIRE_TOO_LONG above `max`, WIRE_LENGTH where the block is too short or its length is another one, WIRE_VALUE where
 *   it copies what is not there
 */
export function decompressSnappy(block: Uint8Array, max: number): Uint8Array {
  const cursor = { at: 0 }
  const size = readVarint(block, cursor)
  if (size > max) throw new WireError('WIRE_TOO_LONG', `a block of more than ${max} octets`)
  const out = new Uint8Array(size)
  let end = 0
  while (cursor.at < block.length) {
    const tag = block[cursor.at++]!
    end = (tag & 3) === 0 ? takeLiteral(block, cursor, tag, out, end) : takeCopy(block, cursor, tag, out, end)
  }
  if (end !== size) throw new WireError('WIRE_LENGTH', 'a block that is shorter than it says')
  return out
}

/** Octets that are sooner copied one by one. */
const FEW = 64

function readVarint(block: Uint8Array, cursor: Cursor): number {
  let value = 0
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    const octet = readLittle(block, cursor, 1)
    value += (octet & 0x7f) * scale
    if (octet < 0x80) return value
  }
  throw new WireError('WIRE_LENGTH', 'a length of more than five octets')
}

function takeLiteral(block: Uint8Array, cursor: Cursor, tag: number, out: Uint8Array, end: number): number {
  const short = tag >> 2
  const length = 1 + (short < 60 ? short : readLittle(block, cursor, short - 59))
  const from = cursor.at
  cursor.at += length
  if (cursor.at > block.length) throw tooShort()
  checkRoom(out, end, length)
  if (length > FEW) out.set(block.subarray(from, cursor.at), end)
  else for (let i = 0; i < length; i++) out[end + i] = block[from + i]!
  return end + length
}

function takeCopy(block: Uint8Array, cursor: Cursor, tag: number, out: Uint8Array, end: number): number {
  const isShort = (tag & 3) === 1
  const length = isShort ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2)
  const low = readLittle(block, cursor, isShort ? 1 : (tag & 3) === 2 ? 2 : 4)
  const offset = isShort ? ((tag >> 5) << 8) | low : low
  if (offset === 0 || offset > end) throw new WireError('WIRE_VALUE', 'a copy of what is not there')
  checkRoom(out, end, length)
  // At most 64, and it may copy what it has just written.
  for (let i = end; i < end + length; i++) out[i] = out[i - offset]!
  return end + length
}

function readLittle(block: Uint8Array, cursor: Cursor, octets: number): number {
  if (cursor.at + octets > block.length) throw tooShort()
  let value = 0
  for (let i = octets - 1; i >= 0; i--) value = value * 256 + block[cursor.at + i]!
  cursor.at += octets
  return value
}

function checkRoom(out: Uint8Array, end: number, length: number): void {
  if (end + length > out.length) throw new WireError('WIRE_LENGTH', 'a block that is longer than it says')
}

const tooShort = (): WireError => new WireError('WIRE_LENGTH', 'a block that is cut off')
