import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { decodeYamuxFrame, pushInPieces, YamuxFrames } from '../testing/mux-frames.ts'
import { yamuxFrames } from '../testing/yamux-vectors.ts'
import { MAX_YAMUX_PAYLOAD, YamuxDecoder } from './decoder.ts'
import { encodeYamuxFrame, type YamuxFrame } from './frame.ts'

const u32 = fc.nat(0xffff_ffff)
const id = fc.integer({ min: 1, max: 0xffff_ffff })
const flags = fc.nat(15)
const frames: fc.Arbitrary<YamuxFrame> = fc.oneof(
  fc.record({ type: fc.constant('data'), flags, id, payload: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('window'), flags, id, delta: u32 }),
  fc.record({ type: fc.constantFrom('ping', 'pong'), opaque: u32 }),
  fc.record({ type: fc.constant('goAway'), code: u32 }),
)

codecSuite({ decode: decodeYamuxFrame, encode: encodeYamuxFrame, known: yamuxFrames, values: frames })

const read = (bytes: Uint8Array, sizes: readonly number[]): YamuxFrame[] => {
  const sink = new YamuxFrames()
  pushInPieces(new YamuxDecoder(sink), bytes, sizes)
  return sink.frames
}

describe('frames in chunks of any size', () => {
  test('are the same, but for data in pieces', () => {
    fc.assert(
      fc.property(
        fc.array(frames),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (list, cuts) => {
          const again = read(new Uint8Array(Buffer.concat(list.map(encodeYamuxFrame))), cuts)
          // A piece without SYN and ACK may go on with the frame in front, which lacks FIN and RST then.
          const bytesOf = (all: readonly YamuxFrame[]): Uint8Array =>
            Buffer.concat(
              all.map((frame) => (frame.type === 'data' ? frame.payload : encodeYamuxFrame(frame))),
            )
          expect(bytesOf(again)).toEqual(bytesOf(list))
          const flagsOf = (all: readonly YamuxFrame[], flag: number): number =>
            all.filter((frame) => frame.type === 'data' && (frame.flags & flag) !== 0).length
          for (const flag of [1, 2, 4, 8]) expect(flagsOf(again, flag)).toBe(flagsOf(list, flag))
        },
      ),
    )
  })

  test('have SYN and ACK with the first piece, FIN and RST with the last', () => {
    const bytes = hex('00 00 00 0f 00 00 00 01 00 00 00 03 61 62 63')
    expect(read(bytes, [13, 1])).toEqual([
      { type: 'data', flags: 3, id: 1, payload: hex('61') },
      { type: 'data', flags: 0, id: 1, payload: hex('62') },
      { type: 'data', flags: 12, id: 1, payload: hex('63') },
    ])
  })
})

describe('what ends a session', () => {
  test.each([
    ['another version', '01', 'WIRE_VERSION'],
    ['an unknown type', '00 04', 'WIRE_VALUE'],
    ['an unknown flag', '00 01 00 10 00 00 00 01 00 00 00 00', 'WIRE_VALUE'],
    ['data without an id', '00 00 00 00 00 00 00 00 00 00 00 01', 'WIRE_VALUE'],
    ['a window without an id', '00 01 00 00 00 00 00 00 00 00 00 01', 'WIRE_VALUE'],
    ['a ping with an id', '00 02 00 01 00 00 00 01 00 00 00 00', 'WIRE_VALUE'],
    ['a ping both ways', '00 02 00 03 00 00 00 00 00 00 00 00', 'WIRE_VALUE'],
    ['a going away with flags', '00 03 00 01 00 00 00 00 00 00 00 00', 'WIRE_VALUE'],
    ['more than 16 MiB', '00 00 00 00 00 00 00 01 01 00 00 01', 'WIRE_TOO_LONG'],
  ])('%s', (_what, bytes, code) => {
    const decoder = new YamuxDecoder(new YamuxFrames())
    expect(codeOf(() => decoder.push(hex(bytes)))).toBe(code)
    expect(codeOf(() => decoder.push(encodeYamuxFrame({ type: 'ping', opaque: 1 })))).toBe(code)
  })

  test('a frame of the largest size is none', () => {
    expect(MAX_YAMUX_PAYLOAD).toBe(16_777_216)
    new YamuxDecoder(new YamuxFrames()).push(hex('00 00 00 00 00 00 00 01 01 00 00 00'))
  })
})
