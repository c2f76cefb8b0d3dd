/** What a frame is (RFC 6455 §5.2). */
export const OPCODE = {
  CONTINUATION: 0,
  TEXT: 1,
  BINARY: 2,
  CLOSE: 8,
  PING: 9,
  PONG: 10,
} as const

/** Why a WebSocket closes (RFC 6455 §7.4.1). From 4000 on, what applications make of them. */
export const CLOSE_CODE = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL: 1002,
  UNSUPPORTED: 1003,
  /** The close frame names none; never sent. */
  NONE: 1005,
  /** There was no close frame; never sent. */
  ABNORMAL: 1006,
  TOO_BIG: 1009,
  APPLICATION: 4000,
} as const

/** The longest head: two octets, eight of length, four of mask. */
export const MAX_HEAD = 14
/** The longest message, either way. */
export const MAX_MESSAGE: number = 64 * 1024
/** The longest payload of a control frame (RFC 6455 §5.5). */
export const MAX_CONTROL = 125

const FIN = 0x80
const MASKED = 0x80
const LENGTH_16 = 126
const LENGTH_64 = 127

/** The head of a frame, or what of it has come. */
export interface FrameHead {
  readonly fin: boolean
  /** RSV1 to RSV3; all 0 where no extension was agreed on. */
  readonly reserved: number
  readonly opcode: number
  readonly length: number
  /** Its four octets, the first one lowest; undefined where the frame is not masked. */
  readonly mask: number | undefined
  /** Octets of the head itself. */
  readonly size: number
}

/** The head at `offset`; undefined where it is not whole. Lengths above 2^53 come out inexact, and too large. */
export const decodeFrameHead = (bytes: Uint8Array, offset = 0): FrameHead | undefined => {
  const first = bytes[offset]
  const second = bytes[offset + 1]
  if (first === undefined || second === undefined) return undefined
  const isMasked = second >= MASKED
  const short = second & 0x7f
  const lengthSize = short === LENGTH_64 ? 8 : short === LENGTH_16 ? 2 : 0
  const size = 2 + lengthSize + (isMasked ? 4 : 0)
  if (bytes.length < offset + size) return undefined
  return {
    fin: first >= FIN,
    reserved: (first >> 4) & 7,
    opcode: first & 15,
    length: lengthSize === 0 ? short : bigEndian(bytes, offset + 2, lengthSize),
    mask: isMasked ? maskAt(bytes, offset + size - 4) : undefined,
    size,
  }
}

const bigEndian = (bytes: Uint8Array, offset: number, size: number): number => {
  let value = 0
  for (let i = 0; i < size; i++) value = value * 256 + bytes[offset + i]!
  return value
}

const maskAt = (bytes: Uint8Array, offset: number): number =>
  bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)

const lengthSizeOf = (length: number): number => (length > 0xffff ? 8 : length >= LENGTH_16 ? 2 : 0)

/** The head of a whole message, or of a control frame, without a mask. */
export const frameHead = (opcode: number, length: number): Uint8Array => {
  const head = Buffer.allocUnsafe(2 + lengthSizeOf(length))
  putHead(head, opcode, length)
  return head
}

/** A whole message, or a control frame, with a copy of `payload`; masked where there is a mask. */
export const frame = (opcode: number, payload: Uint8Array, mask?: number): Buffer => {
  const { length } = payload
  const size = 2 + lengthSizeOf(length)
  if (mask === undefined) {
    const plain = Buffer.allocUnsafe(size + length)
    putHead(plain, opcode, length)
    plain.set(payload, size)
    return plain
  }
  const masked = Buffer.allocUnsafe(size + 4 + length)
  putHead(masked, opcode, length)
  masked[1]! |= MASKED
  masked.writeInt32LE(mask, size)
  masked.set(payload, size + 4)
  applyMask(masked, size + 4, masked.length, mask)
  return masked
}

const putHead = (head: Buffer, opcode: number, length: number): void => {
  head[0] = FIN | opcode
  if (length > 0xffff) {
    head[1] = LENGTH_64
    head.writeUIntBE(0, 2, 2)
    head.writeUIntBE(length, 4, 6)
  } else if (length >= LENGTH_16) {
    head[1] = LENGTH_16
    head.writeUInt16BE(length, 2)
  } else head[1] = length
}

/**
 * Masks or unmasks `bytes` from `start` to `end` in place, eight octets at a time.
 * @returns the mask for the octet at `end`
 */
export const applyMask = (bytes: Uint8Array, start: number, end: number, mask: number): number => {
  let at = start
  let key = mask
  while (at < end && ((bytes.byteOffset + at) & 7) !== 0) {
    bytes[at++]! ^= key & 0xff
    key = turned(key)
  }
  const count = (end - at) >> 3
  if (count > 0) maskWords(new BigInt64Array(bytes.buffer, bytes.byteOffset + at, count), wide(key))
  at += count * 8
  while (at < end) {
    bytes[at++]! ^= key & 0xff
    key = turned(key)
  }
  return key
}

/** So that the octet for what comes next is the lowest. */
const turned = (key: number): number => (key >>> 8) | (key << 24)

const WIDE = new BigInt64Array(1)
const HALVES = new Int32Array(WIDE.buffer)

const wide = (key: number): bigint => {
  HALVES[0] = key
  HALVES[1] = key
  return WIDE[0]!
}

/**
 * V8 makes this machine words and three times as fast as 32 bits at a time, as long as it only ever sees this type of
 * array. The words are in the order of the machine: little-endian, as is the mask.
 */
const maskWords = (words: BigInt64Array, key: bigint): void => {
  const { length } = words
  const last = length & ~3
  let i = 0
  for (; i < last; i += 4) {
    words[i]! ^= key
    words[i + 1]! ^= key
    words[i + 2]! ^= key
    words[i + 3]! ^= key
  }
  for (; i < length; i++) words[i]! ^= key
}
