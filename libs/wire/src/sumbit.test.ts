import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSumbit, encodeSumbit } from './sumbit.ts'
import { credentials } from './testing/arbitraries.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { hex, utf8 } from './testing/hex.ts'
import { codeOf } from './testing/code-of.ts'

const wordByte = fc.integer({ min: 0x21, max: 0xff }).filter((byte) => byte !== 0x7f)
const word = fc.array(wordByte, { minLength: 1, maxLength: 300 }).map((bytes) => Uint8Array.from(bytes))

codecSuite({
  decode: decodeSumbit,
  encode: encodeSumbit,
  known: [
    [String.raw`"sumbit: alice s3cret \r\n"`, { username: utf8('alice'), password: utf8('s3cret') }],
    [String.raw`"sumbit: " ff " : \r\n"`, { username: hex('ff'), password: utf8(':') }],
  ],
  values: credentials(word),
})

test.each([
  ['LF alone', String.raw`sumbit: u p\n`],
  ['CRLF without a trailing blank', String.raw`sumbit: u p\r\n`],
  ['runs of blanks', String.raw`sumbit: \t  u\t\tp \t \r\n`],
])('also accepted: %s', (_, line) => {
  const bytes = hex(`"${line}"`)
  expect(decodeSumbit(bytes)).toEqual({
    value: { username: utf8('u'), password: utf8('p') },
    size: bytes.length,
  })
})

test.each([
  ['another tag', '"sub"'],
  ['upper case', '"S"'],
  ['HTTP', '"C"'],
  ['no blank behind the tag', '"sumbit:u"'],
  ['no words', String.raw`"sumbit: \r"`],
  ['one word', String.raw`"sumbit: u \n"`],
  ['a third word', '"sumbit: u p x"'],
  ['NUL', '"sumbit: u" 00'],
  ['DEL', '"sumbit: u" 7f'],
  ['CR within the line', String.raw`"sumbit: u p\rx"`],
  ['two CRs', String.raw`"sumbit: u p\r\r"`],
  ['an end within the tag', String.raw`"sumbit\n"`],
])('refused at the first wrong byte: %s', (_, text) => {
  const bytes = hex(text)
  expect(codeOf(() => decodeSumbit(bytes))).toBe('WIRE_SYNTAX')
  expect(decodeSumbit(bytes.subarray(0, -1))).toBeUndefined()
})

test('the line has at most 1 KiB', () => {
  const longest = utf8(`sumbit: u ${'p'.repeat(1024 - 12)}\r\n`)
  expect(decodeSumbit(longest)?.size).toBe(1024)
  const longer = utf8(`sumbit: u ${'p'.repeat(1024 - 11)}\r\n`)
  expect(decodeSumbit(longer.subarray(0, 1024))).toBeUndefined()
  expect(codeOf(() => decodeSumbit(longer))).toBe('WIRE_TOO_LONG')
  const password = new Uint8Array(1024).fill(0x70)
  expect(codeOf(() => encodeSumbit({ username: utf8('u'), password }))).toBe('WIRE_TOO_LONG')
})

test.each(['', 'a b', 'a\tb', 'a\r\nb', 'a\u0000'])('%j is no word', (text) => {
  expect(codeOf(() => encodeSumbit({ username: utf8(text), password: utf8('p') }))).toBe('WIRE_VALUE')
  expect(codeOf(() => encodeSumbit({ username: utf8('u'), password: utf8(text) }))).toBe('WIRE_VALUE')
})
