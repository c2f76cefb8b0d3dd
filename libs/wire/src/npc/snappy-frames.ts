import { crc32c } from '../proxy-protocol/crc32c.ts'
import { WireError } from '../wire-error.ts'
import { readU32 } from './block.ts'
import { decompressSnappy } from './snappy-block.ts'

/** Octets in one chunk, before they are compressed. */
export const MAX_SNAPPY_CHUNK = 65_536

/** In front of the first chunk. */
export const SNAPPY_STREAM_ID: Uint8Array = Uint8Array.of(0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59)

const HEAD_BYTES = 4
const CHECKSUM_BYTES = 4
const CHUNK = { COMPRESSED: 0x00, PLAIN: 0x01, FIRST_SKIPPABLE: 0x80, STREAM_ID: 0xff } as const
/** Of what a compressor may make of 64 KiB that it cannot make smaller, with the checksum. */
const MAX_COMPRESSED: number = CHECKSUM_BYTES + 32 + MAX_SNAPPY_CHUNK + Math.floor(MAX_SNAPPY_CHUNK / 6)

/**
 * Reads the framing format of Snappy from chunks of any size, https://github.com/google/snappy/blob/main/framing_format.txt: keeps at
 * most one of its chunks, and nothing of those that are skipped.
 */
export class SnappyDecoder {
  readonly #onData: (data: Uint8Array) => void
  readonly #head = new Uint8Array(HEAD_BYTES)
  #headSize = 0
  #hasId = false
  /** What came of a chunk's body; undefined for one that is skipped. */
  #body: Uint8Array | undefined
  #left = 0
  #error: WireError | undefined

  /** @param onData has what one chunk held: at most 64 KiB that nobody else has */
  constructor(onData: (data: Uint8Array) => void) {
    this.#onData = onData
  }

  /**
   * @throws WireError WIRE_VERSION where the stream does not begin as one, WIRE_VALUE at a chunk of an unknown kind or a copy of what
   *   is not there, WIRE_TOO_LONG, WIRE_LENGTH, WIRE_CHECKSUM; from then on the same for all that follows
   */
  push(bytes: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error
    try {
      let at = 0
      while (at < bytes.length) at = this.#left > 0 ? this.#takeBody(bytes, at) : this.#takeHead(bytes, at)
    } catch (error) {
      if (error instanceof WireError) this.#error = error
      throw error
    }
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + HEAD_BYTES - this.#headSize)
    this.#head.set(bytes.subarray(at, end), this.#headSize)
    this.#headSize += end - at
    this.#checkKind(this.#head[0]!)
    if (this.#headSize === HEAD_BYTES) this.#begin(this.#head[0]!, readU32(this.#head, 0) >>> 8)
    return end
  }

  #checkKind(kind: number): void {
    if (!this.#hasId && kind !== CHUNK.STREAM_ID) {
      throw new WireError('WIRE_VERSION', 'a stream that does not begin with its name')
    }
    if (kind > CHUNK.PLAIN && kind < CHUNK.FIRST_SKIPPABLE)
      throw new WireError('WIRE_VALUE', 'a chunk of an unknown kind')
  }

  #begin(kind: number, length: number): void {
    // Heads are read again once this one's body is through.
    this.#headSize = 0
    const isKept = kind <= CHUNK.PLAIN || kind === CHUNK.STREAM_ID
    if (isKept) checkLength(kind, length)
    this.#body = isKept ? new Uint8Array(length) : undefined
    this.#left = length
    this.#hasId = true
  }

  #takeBody(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#left)
    this.#body?.set(bytes.subarray(at, end), this.#body.length - this.#left)
    this.#left -= end - at
    if (this.#left === 0 && this.#body !== undefined) this.#finish(this.#head[0]!, this.#body)
    return end
  }

  #finish(kind: number, body: Uint8Array): void {
    this.#body = undefined
    if (kind === CHUNK.STREAM_ID) return checkStreamId(body)
    const rest = body.subarray(CHECKSUM_BYTES)
    const data = kind === CHUNK.PLAIN ? rest : decompressSnappy(rest, MAX_SNAPPY_CHUNK)
    if (maskedChecksum(data) !== readU32(body, 0))
      throw new WireError('WIRE_CHECKSUM', 'a chunk that was changed')
    if (data.length > 0) this.#onData(data)
  }
}

/** What `writeSnappyChunks` needs. */
export function snappyRoom(size: number): number {
  return size + Math.ceil(size / MAX_SNAPPY_CHUNK) * (HEAD_BYTES + CHECKSUM_BYTES)
}

/**
 * Writes `data` as chunks that are not compressed. The first of a stream go behind {@link SNAPPY_STREAM_ID}.
 * @param out with {@link snappyRoom} octets from `at` on
 * @returns the index behind the last chunk
 */
export function writeSnappyChunks(data: Uint8Array, out: Uint8Array, at: number): number {
  let to = at
  for (let from = 0; from < data.length; from += MAX_SNAPPY_CHUNK) {
    const part = data.subarray(from, from + MAX_SNAPPY_CHUNK)
    writeU32(out, to, (((part.length + CHECKSUM_BYTES) << 8) | CHUNK.PLAIN) >>> 0)
    writeU32(out, to + HEAD_BYTES, maskedChecksum(part))
    out.set(part, to + HEAD_BYTES + CHECKSUM_BYTES)
    to += HEAD_BYTES + CHECKSUM_BYTES + part.length
  }
  return to
}

function checkLength(kind: number, length: number): void {
  if (kind === CHUNK.STREAM_ID) {
    if (length !== SNAPPY_STREAM_ID.length - HEAD_BYTES)
      throw new WireError('WIRE_VERSION', 'a name of another length')
    return
  }
  if (length < CHECKSUM_BYTES) throw new WireError('WIRE_LENGTH', 'a chunk without a checksum')
  const max = kind === CHUNK.PLAIN ? CHECKSUM_BYTES + MAX_SNAPPY_CHUNK : MAX_COMPRESSED
  if (length > max) throw new WireError('WIRE_TOO_LONG', `a chunk of more than ${max} octets`)
}

function checkStreamId(body: Uint8Array): void {
  const isRight = body.every((octet, index) => octet === SNAPPY_STREAM_ID[HEAD_BYTES + index])
  if (!isRight) throw new WireError('WIRE_VERSION', 'a stream with another name')
}

/** As it is stored: turned by 15 bits, and moved, since checksums of checksums are weak. */
function maskedChecksum(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value
  out[at + 1] = value >>> 8
  out[at + 2] = value >>> 16
  out[at + 3] = value >>> 24
}
