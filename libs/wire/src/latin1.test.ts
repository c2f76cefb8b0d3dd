import { expect, test } from 'vitest'
import { decodeLatin1, encodeLatin1 } from './latin1.ts'
import { codeOf } from './testing/code-of.ts'

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

test('each byte is the character of its number, 0x80 to 0x9f too', () => {
  const text = decodeLatin1(everyByte)
  expect(Array.from(text, (char) => char.charCodeAt(0))).toEqual([...everyByte])
  expect(encodeLatin1(text)).toEqual(everyByte)
})

test('a range is decoded without what stands around it', () => {
  expect(decodeLatin1(encodeLatin1('abcdef'), 2, 4)).toBe('cd')
})

test('16 KiB, the longest head, fit', () => {
  expect(decodeLatin1(new Uint8Array(16 * 1024).fill(0x61))).toBe('a'.repeat(16 * 1024))
})

test('a character of more than one byte is refused', () => {
  expect(codeOf(() => encodeLatin1('€'))).toBe('WIRE_VALUE')
})
