import { Duplex } from 'node:stream'
import { crc32c } from '@sluice/wire'
import { SNAPPY_STREAM_ID, SnappyDecoder, snappyRoom, writeSnappyChunks } from '@sluice/wire/npc'

/** Shorter pieces are not worth packing. */
const WORTH = 64
const LARGEST = 65_536

/** Snappy's framing format over another stream. What is long goes out in chunks that say that they are packed. */
export const emulateSnappy = (base: Duplex): Duplex => {
  let hasBegun = false
  const inside = new Duplex({
    allowHalfOpen: true,
    read: () => void base.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      const frames = Buffer.concat([hasBegun ? Buffer.alloc(0) : SNAPPY_STREAM_ID, framesOf(chunk)])
      hasBegun = true
      base.write(frames, done)
    },
    final: (done) => void base.end(done),
    destroy: (error, done) => {
      base.destroy()
      done(error)
    },
  })
  let isFull = false
  const decoder = new SnappyDecoder((data) => (isFull = !inside.push(Buffer.from(data))))
  base.on('data', (chunk: Buffer) => {
    isFull = false
    decoder.push(chunk)
    if (isFull) base.pause()
  })
  base.on('end', () => inside.push(null)).on('close', () => inside.destroy())
  return inside
}

const framesOf = (data: Buffer): Buffer => {
  if (data.length < WORTH) {
    const plain = Buffer.alloc(snappyRoom(data.length))
    return plain.subarray(0, writeSnappyChunks(data, plain, 0))
  }
  const parts: Buffer[] = []
  for (let at = 0; at < data.length; at += LARGEST) parts.push(packed(data.subarray(at, at + LARGEST)))
  return Buffer.concat(parts)
}

/** One chunk of kind 0 whose block is a single literal. */
const packed = (data: Buffer): Buffer => {
  const literal = Buffer.alloc(3)
  literal[0] = 61 << 2
  literal.writeUInt16LE(data.length - 1, 1)
  const crc = crc32c(data)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
  const body = Buffer.concat([checksum, varint(data.length), literal, data])
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 1, 3)
  return Buffer.concat([head, body])
}

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  let left = value
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  return Buffer.from([...bytes, left])
}
