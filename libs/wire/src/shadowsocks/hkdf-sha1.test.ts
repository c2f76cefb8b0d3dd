import { hkdfSync } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hex } from '../testing/hex.ts'
import { hkdfSha1 } from './hkdf-sha1.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' })

// RFC 5869 §A.4.
test('as the RFC has it', () => {
  const ikm = hex('0b '.repeat(11))
  const salt = hex('00 01 02 03 04 05 06 07 08 09 0a 0b 0c')
  const info = hex('f0 f1 f2 f3 f4 f5 f6 f7 f8 f9')
  expect(hkdfSha1(ikm, salt, info, 42)).toEqual(
    hex(
      '08 5a 01 ea 1b 10 f3 69 33 06 8b 56 ef a5 ad 81 a4 f1 4b 82 2f 5b 09 15 68 a9 cd d4 f1 55 fd a2 c2 2e 42 24 78 d3 05 f3 f8 96',
    ),
  )
})

test('as node:crypto makes it', () => {
  fc.assert(
    fc.property(
      bytes(55),
      bytes(64),
      bytes(34),
      fc.integer({ min: 1, max: 100 }),
      (ikm, salt, info, length) => {
        const expected = new Uint8Array(hkdfSync('sha1', ikm, salt, info, length))
        expect(hkdfSha1(ikm, salt, info, length)).toEqual(expected)
      },
    ),
    { numRuns: 1000 },
  )
})

test('one salt after another, the same or nearly', () => {
  const salts = ['00 01 02', '00 01 02', '00 01 03', '00 01', '00 01', '', '00', '00 01 02'].map((text) =>
    hex(text),
  )
  for (const [index, salt] of salts.entries()) {
    const expected = new Uint8Array(hkdfSync('sha1', Buffer.of(index), salt, 'info', 32))
    expect(hkdfSha1(Buffer.of(index), salt, Buffer.from('info'), 32)).toEqual(expected)
  }
})

test('no longer than one block each', () => {
  const none = new Uint8Array(0)
  expect(() => hkdfSha1(new Uint8Array(56), none, none, 20)).toThrow(RangeError)
  expect(() => hkdfSha1(none, new Uint8Array(65), none, 20)).toThrow(RangeError)
  expect(() => hkdfSha1(none, none, new Uint8Array(35), 40)).toThrow(RangeError)
})
