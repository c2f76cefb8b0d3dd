import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { pushInPieces } from '../testing/mux-frames.ts'
import {
  decodeSnappyStream,
  moreSnappyStreams,
  snappyBlocks,
  snappyStreams,
} from '../testing/snappy-vectors.ts'
import { decompressSnappy } from './snappy-block.ts'
import { SNAPPY_STREAM_ID, SnappyDecoder, snappyRoom, writeSnappyChunks } from './snappy-frames.ts'

const encode = (data: Uint8Array): Uint8Array => {
  const out = new Uint8Array(SNAPPY_STREAM_ID.length + snappyRoom(data.length))
  out.set(SNAPPY_STREAM_ID)
  writeSnappyChunks(data, out, SNAPPY_STREAM_ID.length)
  return out
}

codecSuite({
  decode: decodeSnappyStream,
  encode,
  known: snappyStreams,
  values: fc.uint8Array({ minLength: 1, maxLength: 300 }),
})

/** What a decoder made of a stream, as one. */
const read = (bytes: Uint8Array, sizes: readonly number[]): Uint8Array => {
  const parts: Uint8Array[] = []
  pushInPieces(new SnappyDecoder((data) => parts.push(data)), bytes, sizes)
  return new Uint8Array(Buffer.concat(parts))
}

describe('streams', () => {
  test.each(moreSnappyStreams)('%s', (bytes, data) => {
    for (const sizes of [[1], [3, 7], [1000]]) expect(read(hex(bytes), sizes)).toEqual(data)
  })

  test.each([0, 1, 65_536, 65_537, 200_000])('of %d octets are whole again', (size) => {
    const data = Uint8Array.from({ length: size }, (_, index) => index * 31)
    expect(read(encode(data), [8191, 3])).toEqual(data)
  })

  test.each([
    ['another beginning', '01', 'WIRE_VERSION'],
    ['another name', 'ff 06 00 00 "sNaPpy"', 'WIRE_VERSION'],
    ['a name of another length', 'ff 07 00 00', 'WIRE_VERSION'],
    ['another name later', 'ff 06 00 00 "sNaPpY" ff 06 00 00 "snappy"', 'WIRE_VERSION'],
    ['a chunk of kind 2', 'ff 06 00 00 "sNaPpY" 02', 'WIRE_VALUE'],
    ['a chunk of kind 7f', 'ff 06 00 00 "sNaPpY" 7f', 'WIRE_VALUE'],
    ['a chunk without a checksum', 'ff 06 00 00 "sNaPpY" 01 03 00 00', 'WIRE_LENGTH'],
    ['more than 64 KiB', 'ff 06 00 00 "sNaPpY" 01 05 00 01', 'WIRE_TOO_LONG'],
    ['16 MiB that are compressed', 'ff 06 00 00 "sNaPpY" 00 ff ff ff', 'WIRE_TOO_LONG'],
    [
      '64 KiB and more in a few octets',
      'ff 06 00 00 "sNaPpY" 00 07 00 00 00 00 00 00 81 80 04',
      'WIRE_TOO_LONG',
    ],
    ['a changed octet', 'ff 06 00 00 "sNaPpY" 01 09 00 00 bb 1f 1c 19 "hellp"', 'WIRE_CHECKSUM'],
    ['a changed checksum', 'ff 06 00 00 "sNaPpY" 01 09 00 00 ba 1f 1c 19 "hello"', 'WIRE_CHECKSUM'],
  ])('%s', (_what, bytes, code) => {
    const decoder = new SnappyDecoder(() => {})
    expect(codeOf(() => decoder.push(hex(bytes)))).toBe(code)
    expect(codeOf(() => decoder.push(hex('fe 00 00 00')))).toBe(code)
  })
})

describe('blocks', () => {
  test.each(snappyBlocks)('%s', (bytes, data) => {
    expect(decompressSnappy(hex(bytes), 65_536)).toEqual(data)
  })

  test.each([
    ['nothing', '', 'WIRE_LENGTH'],
    ['a length without an end', '80 80 80 80 80 00', 'WIRE_LENGTH'],
    ['more than may come out', '06', 'WIRE_TOO_LONG'],
    ['a literal that is cut off', '05 10 "hell"', 'WIRE_LENGTH'],
    ['a literal whose length is cut off', '05 f4 00', 'WIRE_LENGTH'],
    ['a copy that is cut off', '05 00 61 02 01', 'WIRE_LENGTH'],
    ['more than it says', '04 10 "hello"', 'WIRE_LENGTH'],
    ['a copy of more than it says', '02 00 61 09 01', 'WIRE_LENGTH'],
    ['less than it says', '05 04 "he"', 'WIRE_LENGTH'],
    ['a copy of nothing', '05 00 61 01 00', 'WIRE_VALUE'],
    ['a copy of what is before the start', '05 00 61 01 02', 'WIRE_VALUE'],
    ['a copy of what is far before the start', '05 00 61 0f ff ff ff ff', 'WIRE_VALUE'],
    ['a copy at the start', '05 01 01', 'WIRE_VALUE'],
  ])('%s', (_what, bytes, code) => {
    expect(codeOf(() => decompressSnappy(hex(bytes), 5))).toBe(code)
  })

  // A compressor of any taste: literals, and copies of each kind that reach back as far as they may.
  const step = fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 70 }), back: fc.nat(), kind: fc.integer({ min: 1, max: 3 }), length: fc.nat(63) }) // prettier-ignore
  test('whatever is copied from wherever', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const [plain, block]: [number[], number[]] = [[], []]
        for (const { literal, back, kind, length } of steps) {
          if (literal.length <= 60) block.push((literal.length - 1) << 2)
          else block.push(60 << 2, literal.length - 1)
          block.push(...literal)
          plain.push(...literal)
          const size = kind === 1 ? 4 + (length % 8) : 1 + length
          const offset = 1 + (back % plain.length)
          if (kind === 1 && offset > 2047) continue
          for (let i = 0; i < size; i++) plain.push(plain[plain.length - offset]!)
          if (kind === 1) block.push(1 | ((size - 4) << 2) | ((offset >> 8) << 5), offset & 0xff)
          else block.push(kind | ((size - 1) << 2), offset & 0xff, offset >> 8, ...(kind === 3 ? [0, 0] : []))
        }
        const size = plain.length
        const head = size < 128 ? [size] : [(size & 0x7f) | 0x80, size >> 7]
        expect(decompressSnappy(Uint8Array.from([...head, ...block]), 65_536)).toEqual(Uint8Array.from(plain))
      }),
    )
  })
})
