import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { udp5s } from '../testing/npc-vectors.ts'
import { decodeUdp5, encodeUdp5, MAX_NPC_DATAGRAM, NpcDatagrams } from './datagrams.ts'

codecSuite({
  decode: decodeUdp5,
  encode: encodeUdp5,
  known: udp5s,
  values: fc.uint8Array({ minLength: 10, maxLength: 100 }),
})

test.each([
  ['less than a head', '09 00 00 00 00 00 00 01 00 00 00 00 00', 'WIRE_LENGTH'],
  ['more than a datagram', 'e4 ff 00 00', 'WIRE_TOO_LONG'],
])('%s', (_what, bytes, code) => {
  expect(codeOf(() => decodeUdp5(hex(bytes)))).toBe(code)
})

describe('messages', () => {
  test('one that is whole is not copied', () => {
    const piece = hex('"abc"')
    expect(new NpcDatagrams().push(piece, true)).toBe(piece)
  })

  test('pieces become one, though their memory is used again', () => {
    const datagrams = new NpcDatagrams()
    const piece = Buffer.from('abc')
    expect(datagrams.push(piece, false)).toBeUndefined()
    expect(datagrams.waiting).toBe(3)
    piece.fill(0xaa)
    expect(datagrams.push(hex('"de"'), true)).toEqual(hex('"abcde"'))
    expect([datagrams.waiting, datagrams.push(hex('"f"'), true)]).toEqual([0, hex('"f"')])
  })

  test('one that is too long is dropped, and the next one is not', () => {
    const datagrams = new NpcDatagrams(5)
    for (const isEnd of [false, false, false, true])
      expect(datagrams.push(hex('"abc"'), isEnd)).toBeUndefined()
    expect([datagrams.dropped, datagrams.waiting]).toEqual([1, 0])
    expect(datagrams.push(hex('"abcdef"'), true)).toBeUndefined()
    expect(datagrams.dropped).toBe(2)
    datagrams.push(hex('"abc"'), false)
    expect(datagrams.push(hex('"de"'), true)).toEqual(hex('"abcde"'))
  })

  test('a peer that never ends one does not fill the memory', () => {
    const datagrams = new NpcDatagrams()
    for (let i = 0; i < 1000; i++) {
      datagrams.push(new Uint8Array(4085), false)
      expect(datagrams.waiting).toBeLessThanOrEqual(MAX_NPC_DATAGRAM)
    }
    expect([datagrams.waiting, datagrams.dropped]).toEqual([0, 0])
  })
})
