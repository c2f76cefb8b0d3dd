import { describe, expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { decodeEarlyFrame, decodeRelayFrame, frames, knownFrames } from '../testing/relay-codecs.ts'
import { encodeRelayFrame } from './encode-frame.ts'
import { FRAME, MAX_BODY } from './frame.ts'

codecSuite({ decode: decodeRelayFrame, encode: encodeRelayFrame, known: knownFrames, values: frames })
codecSuite({
  decode: decodeEarlyFrame,
  encode: encodeRelayFrame,
  known: knownFrames,
  values: frames.filter((frame) => encodeRelayFrame(frame).length <= 4 + MAX_BODY.BEFORE_AUTH),
})

const repeated = (octet: string, times: number): string => Array(times).fill(octet).join(' ')

describe('frames that are none', () => {
  const types = new Set<number>(Object.values(FRAME))

  test.each(Array.from({ length: 256 }, (_, type) => type).filter((type) => !types.has(type)))(
    'of type %d',
    (type) => expect(codeOf(() => decodeRelayFrame(Uint8Array.of(type)))).toBe('WIRE_VALUE'),
  )

  test('every type of frame that there is is known by a sample', () => {
    expect(new Set(knownFrames.map(([bytes]) => hex(bytes)[0]))).toEqual(types)
  })

  test.each([
    ['a destination of 31 octets', '04 1f', 'WIRE_LENGTH'],
    ['a destination of 33 octets', '04 21', 'WIRE_LENGTH'],
    ['a destination of zeros', `04 20 ${repeated('00', 32)}`, 'WIRE_VALUE'],
    ['17 addresses', '02 00 00 11', 'WIRE_TOO_LONG'],
    ['an address of 1025 octets', '02 00 00 01 04 01', 'WIRE_TOO_LONG'],
    ['an address without octets', '02 00 00 01 00 00', 'WIRE_LENGTH'],
    ['an address that is not UTF-8', '02 00 00 01 00 01 ff', 'WIRE_SYNTAX'],
    ['an address with a line feed', '02 00 00 01 00 01 0a', 'WIRE_SYNTAX'],
    ['flags in a HELLO', '40 01', 'WIRE_VALUE'],
    ['flags in an ACCEPT', '0b 80', 'WIRE_VALUE'],
    ['a body of 4097 octets', '14 00 10 01', 'WIRE_TOO_LONG'],
    ['a RELEASE with a body', '08 00 00 01 00', 'WIRE_LENGTH'],
    ['a PING of 7 octets', `12 00 00 07 ${repeated('00', 7)}`, 'WIRE_LENGTH'],
    ['a PING of 9 octets', `12 00 00 09 ${repeated('00', 9)}`, 'WIRE_LENGTH'],
    ['a HELLO of 67 octets', `40 00 00 43 01 01 ${repeated('00', 65)}`, 'WIRE_LENGTH'],
    ['a HELLO of 69 octets', `40 00 00 45 01 01 ${repeated('00', 67)}`, 'WIRE_LENGTH'],
    ['a HELLO of version 0', `40 00 00 44 00 01 ${repeated('00', 66)}`, 'WIRE_VALUE'],
    ['a HELLO of versions 2 to 1', `40 00 00 44 02 01 ${repeated('00', 66)}`, 'WIRE_VALUE'],
    ['a CHALLENGE of version 0', `41 00 00 84 00 00 ${repeated('00', 130)}`, 'WIRE_VALUE'],
    ['a CHALLENGE with a reserved octet', `41 00 00 84 01 01 ${repeated('00', 130)}`, 'WIRE_VALUE'],
    ['an AUTH with half a tag', `42 00 00 41 ${repeated('00', 65)}`, 'WIRE_LENGTH'],
    ['an AUTH with an empty token', `42 00 00 43 ${repeated('00', 64)} 01 00 00`, 'WIRE_LENGTH'],
    ['an AUTH with a token of 257 octets', `42 00 01 44 ${repeated('00', 64)} 01 01 01 ${repeated('61', 257)}`, 'WIRE_LENGTH'], // prettier-ignore
    ['an AUTH with two tokens', `42 00 00 48 ${repeated('00', 64)} 01 00 01 61 01 00 01 61`, 'WIRE_VALUE'],
    ['an AUTH whose tag is longer than the rest', `42 00 00 44 ${repeated('00', 64)} 07 00 02 00`, 'WIRE_LENGTH'], // prettier-ignore
    ['a NOTICE of 257 octets', `14 00 01 01 ${repeated('61', 257)}`, 'WIRE_TOO_LONG'],
    ['a refusal whose reason is longer than the rest', '05 03 00 04 00 00 00 01', 'WIRE_LENGTH'],
    ['a refusal with half an address', '05 11 00 05 00 00 00 00 00', 'WIRE_LENGTH'],
    ['a refusal with an empty address', '05 11 00 06 00 00 00 00 00 00', 'WIRE_LENGTH'],
    ['a circuit with nobody', `05 00 00 60 ${repeated('00', 96)}`, 'WIRE_VALUE'],
    ['an INCOMING from nobody', `0a 00 00 7e ${repeated('00', 126)}`, 'WIRE_VALUE'],
    ['a count beyond 2^53', `0d 00 00 24 ${repeated('00', 16)} 00 20 ${repeated('00', 18)}`, 'WIRE_VALUE'],
    ['a voucher longer than the rest', `50 00 00 21 ${repeated('00', 30)} 00 02 00`, 'WIRE_LENGTH'],
  ])('%s', (_what, bytes, code) => {
    expect(codeOf(() => decodeRelayFrame(hex(bytes)))).toBe(code)
  })
})

describe('what a stranger may send', () => {
  test.each([
    ['a body of 513 octets', '42 00 02 01'],
    ['addresses of more than 512 octets', `02 00 00 02 01 f0 ${repeated('61', 0x1f0)} 00 10`],
  ])('is not %s', (_what, bytes) => {
    expect(codeOf(() => decodeEarlyFrame(hex(bytes)))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => decodeRelayFrame(hex(bytes)))).toBeUndefined()
  })
})

test('addresses have 4096 octets together at most', () => {
  const addresses = (...lengths: number[]): string =>
    `02 00 00 0${lengths.length} ${lengths.map((length) => `${(length >> 8).toString(16)} ${(length & 0xff).toString(16)} ${repeated('61', length)}`).join(' ')}`
  expect(decodeRelayFrame(hex(addresses(1022, 1022, 1022, 1022)))?.size).toBe(4100)
  expect(codeOf(() => decodeRelayFrame(hex(addresses(1022, 1022, 1022, 1023))))).toBe('WIRE_TOO_LONG')
})

test('tags of AUTH that are not known are passed over', () => {
  const bytes = hex(`42 00 00 4d ${repeated('00', 64)} 07 00 02 aa bb 01 00 05 "token"`)
  expect(decodeRelayFrame(bytes)?.value).toEqual({
    type: 'auth',
    signature: new Uint8Array(64),
    token: hex('"token"'),
  })
})
