import { expect, test } from 'vitest'
import { freshSalt } from './fresh-salt.ts'

test('no salt comes twice, nor does any change when others are taken', () => {
  const salts = Array.from({ length: 1000 }, (_, index) => freshSalt(index % 2 === 0 ? 32 : 16))
  const texts = salts.map((salt) => Buffer.from(salt).toString('hex'))
  expect(new Set(texts.map((text) => text.slice(0, 32))).size).toBe(1000)
  expect(salts[0]!.length).toBe(32)
  expect(salts[1]!.length).toBe(16)
  expect(Buffer.from(salts[0]!).toString('hex')).toBe(texts[0])
})
