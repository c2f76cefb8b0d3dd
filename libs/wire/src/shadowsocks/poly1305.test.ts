import { poly1305 as noblePoly1305 } from '@noble/ciphers/_poly1305.js'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hex } from '../testing/hex.ts'
import { poly1305 } from './poly1305.ts'

/** Bytes that make carries run far, and any others. */
const byte = fc.oneof(fc.constantFrom(0, 1, 4, 5, 0xfa, 0xfb, 0xff), fc.integer({ min: 0, max: 255 }))
const bytes = (length: number) =>
  fc.oneof(
    fc.constantFrom(0, 0xff).map((value) => new Uint8Array(length).fill(value)),
    fc.array(byte, { minLength: length, maxLength: length }).map((values) => Uint8Array.from(values)),
  )
const wordsOf = (input: Uint8Array) => new Int32Array(Uint8Array.from(input).buffer)

const tagOf = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const tag = new Int32Array(4)
  poly1305(wordsOf(key), wordsOf(message), tag)
  return new Uint8Array(tag.buffer)
}

test('as @noble/ciphers makes it', () => {
  const small = fc.constantFrom(1, 2, 4, 8).map((r) => Uint8Array.of(r, ...new Uint8Array(31)))
  const keys = fc.oneof(bytes(32), small)
  const messages = fc.integer({ min: 0, max: 8 }).chain((blocks) => bytes(blocks * 16))
  fc.assert(
    fc.property(keys, messages, (key, message) => {
      expect(tagOf(key, message)).toEqual(noblePoly1305(message, key))
    }),
    { numRuns: 3000 },
  )
})

// RFC 8439 §A.3, vectors 7 to 11: where limbs and the modulus are met exactly.
test.each([
  ['02', '', 'ff '.repeat(16), '03'],
  ['02', 'ff '.repeat(16), '02', '03'],
  ['01', '', `${'ff '.repeat(16)} f0 ${'ff '.repeat(15)} 11 ${'00 '.repeat(15)}`, '05'],
  ['01', '', `${'ff '.repeat(16)} fb ${'fe '.repeat(15)} ${'01 '.repeat(16)}`, ''],
  ['02', '', `fd ${'ff '.repeat(15)}`, `fa ${'ff '.repeat(15)}`],
])('r %s, s %s', (r, s, message, tag) => {
  const padded = (text: string, length: number) => {
    const out = new Uint8Array(length)
    out.set(hex(text))
    return out
  }
  const key = Uint8Array.from([...padded(r, 16), ...padded(s, 16)])
  const whole = hex(message)
  expect(tagOf(key, padded(message, Math.ceil(whole.length / 16) * 16))).toEqual(padded(tag, 16))
})
