import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { KEY_MD5, reports, signals } from '../testing/npc-vectors.ts'
import {
  decodeNpcReport,
  decodeNpcSignal,
  encodeNpcReport,
  encodeNpcSignal,
  type NpcReport,
  type NpcSignal,
} from './main-channel.ts'

const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => !/[*\p{Cc}]/u.test(text))
const signalValues: fc.Arbitrary<NpcSignal> = fc.oneof(
  fc.constant<NpcSignal>({ type: 'localIp' }),
  fc.record({ type: fc.constant('p2p'), server: line, passwordMd5: fc.constant(KEY_MD5) }),
)
const reportValues: fc.Arbitrary<NpcReport> = fc.oneof(
  fc.record({ type: fc.constant('health'), target: line, isUp: fc.boolean() }),
  fc.record({ type: fc.constant('text'), text: line }),
)

codecSuite({ decode: decodeNpcSignal, encode: encodeNpcSignal, known: signals, values: signalValues })
codecSuite({ decode: decodeNpcReport, encode: encodeNpcReport, known: reports, values: reportValues })

test.each([
  ['an unknown signal', () => decodeNpcSignal(hex('"udpx"')), 'WIRE_VALUE'],
  ['an address of 1025 bytes', () => decodeNpcSignal(hex('"udpc" 01 04 00 00')), 'WIRE_TOO_LONG'],
  [
    'a password of 33 bytes',
    () => decodeNpcSignal(hex('"udpc" 01 00 00 00 "a" 21 00 00 00')),
    'WIRE_TOO_LONG',
  ],
  [
    'a password of 31 bytes',
    () => decodeNpcSignal(hex(`"udpc" 01 00 00 00 "a" 1f 00 00 00 "${'0'.repeat(31)}"`)),
    'WIRE_LENGTH',
  ],
  ['a report of 1025 bytes', () => decodeNpcReport(hex('01 04 00 00')), 'WIRE_TOO_LONG'],
  ['a report that is not UTF-8', () => decodeNpcReport(hex('01 00 00 00 ff')), 'WIRE_SYNTAX'],
])('%s', (_what, decode, code) => {
  expect(codeOf(decode)).toBe(code)
})

test.each(['*#*1*#*', 'a*#*2*#*', 'a*#*1', 'a*#*b*#*1*#*'])('%s is no report of health', (text) => {
  const bytes = encodeNpcReport({ type: 'text', text })
  expect(decodeNpcReport(bytes)?.value).toEqual({ type: 'text', text })
})
