import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeLatin1 } from '../latin1.ts'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { hellos, KEY_MD5, md5s, purposes, verdicts } from '../testing/npc-vectors.ts'
import {
  decodeNpcHello,
  decodeNpcPurpose,
  decodeNpcVerdict,
  encodeNpcHello,
  encodeNpcPurpose,
  encodeNpcVerdict,
  NPC_CORE_VERSION,
  NPC_CORE_VERSION_MD5,
  type NpcPurpose,
} from './handshake.ts'
import { decodeMd5Hex } from './md5-hex.ts'

const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/\p{Cc}/u.test(text))
const version = line.filter((text) => new TextEncoder().encode(text).length <= 128)
const md5 = fc.stringMatching(/^[0-9a-f]{32}$/)
const values: fc.Arbitrary<NpcPurpose> = fc.oneof(
  fc.constantFrom<NpcPurpose>({ type: 'main' }, { type: 'chan' }, { type: 'file' }, { type: 'conf' }),
  fc.record({ type: fc.constant('register'), hours: fc.nat(0x7fff_ffff) }),
  fc.record({ type: fc.constantFrom('secret', 'p2p'), passwordMd5: md5 }),
)

codecSuite({
  decode: decodeNpcHello,
  encode: encodeNpcHello,
  known: hellos,
  values: fc.record({ core: version, release: version }),
})
codecSuite({ decode: decodeMd5Hex, encode: encodeLatin1, known: md5s, values: md5 })
codecSuite({ decode: decodeNpcVerdict, encode: encodeNpcVerdict, known: verdicts, values: fc.boolean() })
codecSuite({ decode: decodeNpcPurpose, encode: encodeNpcPurpose, known: purposes, values })

test('a release that is filled up with zeros is told without them', () => {
  const padded = hex('"TST" 06 00 00 00 "0.26.0" 08 00 00 00 "0.35.0" 00 00')
  expect(decodeNpcHello(padded)).toEqual({
    value: { core: '0.26.0', release: '0.35.0' },
    size: padded.length,
  })
})

test('the version that is answered for is the one that is spoken', () => {
  expect(createHash('md5').update(NPC_CORE_VERSION).digest('hex')).toBe(NPC_CORE_VERSION_MD5)
})

describe('what ends a handshake', () => {
  test.each([
    ['a web browser', '"G"', 'WIRE_VERSION'],
    ['TLS', '16', 'WIRE_VERSION'],
    ['another third byte', '"TSP"', 'WIRE_VERSION'],
    ['a version of 129 bytes', '"TST" 81 00 00 00', 'WIRE_TOO_LONG'],
    ['a version of a negative length', '"TST" ff ff ff ff', 'WIRE_TOO_LONG'],
    ['a release of 129 bytes', '"TST" 01 00 00 00 61 81 00 00 00', 'WIRE_TOO_LONG'],
    ['a version with a line feed', '"TST" 01 00 00 00 0a 00 00 00 00', 'WIRE_SYNTAX'],
    ['a version that is not UTF-8', '"TST" 01 00 00 00 ff 00 00 00 00', 'WIRE_SYNTAX'],
  ])('%s', (_what, bytes, code) => {
    expect(codeOf(() => decodeNpcHello(hex(bytes)))).toBe(code)
  })

  test.each([
    ['an upper-case MD5', () => decodeMd5Hex(hex('"A"')), 'WIRE_SYNTAX'],
    ['a letter behind f', () => decodeMd5Hex(hex('"0g"')), 'WIRE_SYNTAX'],
    ['a verdict that is none', () => decodeNpcVerdict(hex('"sux"')), 'WIRE_VALUE'],
    ['a purpose that is none', () => decodeNpcPurpose(hex('"mb"')), 'WIRE_VALUE'],
    ['a password that is no MD5', () => decodeNpcPurpose(hex('"sert" "X"')), 'WIRE_SYNTAX'],
    ['a negative number of hours', () => decodeNpcPurpose(hex('"rgst" 00 00 00 80')), 'WIRE_VALUE'],
  ])('%s', (_what, decode, code) => {
    expect(codeOf(decode)).toBe(code)
  })
})

test('what follows the purpose in the same segment stays', () => {
  expect(decodeNpcPurpose(hex(`"sert" "${KEY_MD5}" 16 03 01`))?.size).toBe(36)
})
