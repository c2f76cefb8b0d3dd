import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { decodeNpcFrame, NpcFrames, pushInPieces } from '../testing/mux-frames.ts'
import { npcFrames } from '../testing/npc-vectors.ts'
import { NpcMuxDecoder } from './mux-decoder.ts'
import { encodeNpcFrame, type NpcFrame, npcMessageRoom, writeNpcMessage } from './mux-frame.ts'

const id = fc.integer({ min: 1, max: 0x7fff_ffff })
const payload = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 40 }),
  fc.integer({ min: 1, max: 4085 }).map((size) => new Uint8Array(size).fill(size)),
)
const frames: fc.Arbitrary<NpcFrame> = fc.oneof(
  fc.record({ type: fc.constantFrom('ping', 'pong'), opaque: payload }),
  fc.record({ type: fc.constant('data'), id, payload, isEnd: fc.boolean() }),
  fc.record({ type: fc.constant('window'), id, read: fc.nat(0x7fff_ffff), max: fc.nat(0x7fff_ffff) }),
  fc.record({ type: fc.constantFrom('open', 'opened', 'refused', 'close'), id }),
)

codecSuite({ decode: decodeNpcFrame, encode: encodeNpcFrame, known: npcFrames, values: frames })

const read = (bytes: Uint8Array, sizes: readonly number[]): NpcFrame[] => {
  const sink = new NpcFrames()
  pushInPieces(new NpcMuxDecoder(sink), bytes, sizes)
  return sink.frames
}

describe('frames in chunks of any size', () => {
  test('are the same frames', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9000 })), {
      minLength: 1,
    })
    fc.assert(
      fc.property(fc.array(frames), sizes, (list, cuts) => {
        const bytes = new Uint8Array(Buffer.concat(list.map(encodeNpcFrame)))
        expect(read(bytes, cuts)).toEqual(read(bytes, [bytes.length + 1]))
      }),
    )
  })

  test('are passed on as they come, without being kept', () => {
    const sink = new NpcFrames()
    const decoder = new NpcMuxDecoder(sink)
    decoder.push(hex('03 01 00 00 00 02 00 61'))
    expect(sink.frames).toEqual([{ type: 'data', id: 1, payload: hex('61'), isEnd: false }])
    decoder.push(hex('62 07 01'))
    decoder.push(hex('00 00 00'))
    expect(sink.frames).toEqual([
      { type: 'data', id: 1, payload: hex('61 62'), isEnd: true },
      { type: 'close', id: 1 },
    ])
  })

  test('a window has 31 bits of each number, whatever the others are', () => {
    expect(read(hex('05 01 00 00 00 02 00 00 80 03 00 00 80'), [13])).toEqual([
      { type: 'window', id: 1, read: 2, max: 3 },
    ])
  })

  test('a ping that is cut comes whole', () => {
    expect(read(hex('00 ff ff ff ff 03 00 01 02 03'), [8, 1])).toEqual([
      { type: 'ping', opaque: hex('01 02 03') },
    ])
  })
})

describe('a message', () => {
  test.each([0, 1, 4085, 4086, 8170, 8171, 100_000])('of %d octets is whole again', (size) => {
    const message = Uint8Array.from({ length: size }, (_, index) => index * 7)
    const out = new Uint8Array(3 + npcMessageRoom(size))
    expect(writeNpcMessage(9, message, out, 3)).toBe(out.length)
    const read9 = read(out.subarray(3), [65_536])
    expect(read9).toEqual(size === 0 ? [] : [{ type: 'data', id: 9, payload: message, isEnd: true }])
  })

  test('of 4086 octets is a part and an end', () => {
    const out = new Uint8Array(npcMessageRoom(4086))
    writeNpcMessage(1, new Uint8Array(4086).fill(0x61), out, 0)
    expect(out.subarray(0, 8)).toEqual(hex('04 01 00 00 00 f5 0f 61'))
    expect(out.subarray(4092)).toEqual(hex('03 01 00 00 00 01 00 61'))
  })
})

describe('what breaks off a mux', () => {
  test.each([
    ['an unknown kind', '09', 'WIRE_VALUE'],
    ['text', '"GET"', 'WIRE_VALUE'],
    ['an empty message', '03 01 00 00 00 00 00', 'WIRE_LENGTH'],
    ['an empty part', '04 01 00 00 00 00 00', 'WIRE_LENGTH'],
    ['an empty ping', '00 ff ff ff ff 00 00', 'WIRE_LENGTH'],
    ['4086 octets', '03 01 00 00 00 f6 0f', 'WIRE_TOO_LONG'],
    ['a ping of 65535 octets', '08 ff ff ff ff ff ff', 'WIRE_TOO_LONG'],
  ])('%s', (_what, bytes, code) => {
    const sink = new NpcFrames()
    const decoder = new NpcMuxDecoder(sink)
    expect(codeOf(() => decoder.push(hex(bytes)))).toBe(code)
    expect(codeOf(() => decoder.push(hex('06 01 00 00 00')))).toBe(code)
    expect(sink.frames).toEqual([])
  })
})
