import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { KEY_MD5, meetingPoints, meetings } from '../testing/npc-vectors.ts'
import {
  decodeNpcMeeting,
  decodeNpcMeetingPoint,
  encodeNpcMeeting,
  encodeNpcMeetingAnswer,
  encodeNpcMeetingPoint,
  readNpcMeetingAnswer,
} from './rendezvous.ts'

codecSuite({
  decode: decodeNpcMeeting,
  encode: encodeNpcMeeting,
  known: meetings,
  values: fc.record({
    passwordMd5: fc.stringMatching(/^[0-9a-f]{32}$/),
    role: fc.constantFrom('visitor', 'provider'),
  }),
})
codecSuite({
  decode: decodeNpcMeetingPoint,
  encode: encodeNpcMeetingPoint,
  known: meetingPoints,
  values: fc.string({ maxLength: 50 }),
})

test.each([
  ['another role', () => decodeNpcMeeting(hex(`"${KEY_MD5}*#*p2pc"`)), 'WIRE_SYNTAX'],
  ['no password', () => decodeNpcMeeting(hex('"*#*p2pv*#*"')), 'WIRE_SYNTAX'],
  ['an address of 1025 octets', () => decodeNpcMeetingPoint(hex('01 04 00 00')), 'WIRE_TOO_LONG'],
  ['an answer of 1025 octets', () => readNpcMeetingAnswer(new Uint8Array(1025).fill(0x61)), 'WIRE_TOO_LONG'],
  ['an answer with a line feed', () => readNpcMeetingAnswer(hex('61 0a')), 'WIRE_SYNTAX'],
])('%s', (_what, decode, code) => {
  expect(codeOf(decode)).toBe(code)
})

test('an answer is the address and nothing else', () => {
  expect(encodeNpcMeetingAnswer('192.0.2.1:6000')).toEqual(hex('"192.0.2.1:6000"'))
  expect(readNpcMeetingAnswer(hex('"192.0.2.1:6000"'))).toBe('192.0.2.1:6000')
})
