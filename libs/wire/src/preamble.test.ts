import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodePreamble, encodePreamble, MAX_PREAMBLE_BYTES } from './preamble.ts'
import { codeOf } from './testing/code-of.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { hex } from './testing/hex.ts'

codecSuite({
  decode: decodePreamble,
  encode: encodePreamble,
  known: [
    ['00 00 00 02 "{}"', '{}'],
    ['00 00 00 05 22 e2 82 ac 22', '"\u20ac"'],
    ['00 00 00 03 ef bb bf', '\ufeff'],
  ],
  values: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
})

test.each([
  ['WIRE_LENGTH', 'an empty text', '00 00 00 00'],
  ['WIRE_TOO_LONG', 'one octet too many', '00 01 00 01'],
  ['WIRE_TOO_LONG', 'a length that would be negative', 'ff ff ff ff'],
  ['WIRE_SYNTAX', 'a lone octet above 7f', '00 00 00 01 e9'],
  ['WIRE_SYNTAX', 'a surrogate', '00 00 00 03 ed a0 80'],
  ['WIRE_SYNTAX', 'a character that is cut', '00 00 00 02 e2 82 ac'],
])('%s: %s', (code, _, text) => {
  expect(codeOf(() => decodePreamble(hex(text)))).toBe(code)
})

test('the text has at most 64 KiB, in octets', () => {
  const longest = 'é'.repeat(MAX_PREAMBLE_BYTES / 2)
  expect(decodePreamble(encodePreamble(longest))?.value).toBe(longest)
  expect(codeOf(() => encodePreamble(`${longest}x`))).toBe('WIRE_TOO_LONG')
})

test('what would not be read back is not written', () => {
  expect(codeOf(() => encodePreamble(''))).toBe('WIRE_LENGTH')
  expect(codeOf(() => encodePreamble('\ud800'))).toBe('WIRE_SYNTAX')
})
