import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { SaltFilter } from './salt-filter.ts'
import { countUp } from '../testing/ss-codecs.ts'

const seed = Buffer.from('52098a1e0cb77d34', 'hex')
const saltOf = (number: number, size = 16): Uint8Array =>
  createHash('sha256').update(String(number)).digest().subarray(0, size)
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

it.each([16, 24, 32])('takes no salt of %i bytes twice', (size) => {
  const filter = new SaltFilter({ seed })
  for (const number of numbers(0, 2000)) expect(filter.add(saltOf(number, size))).toBe(true)
  for (const number of numbers(0, 2000)) expect(filter.add(saltOf(number, size))).toBe(false)
  expect(filter.size).toBe(2000)
})

it('tells salts apart that differ in one bit', () => {
  const filter = new SaltFilter({ seed })
  const salts = numbers(0, 256).map((bit) => {
    const salt = Uint8Array.from(countUp(32))
    salt[bit >> 3]! ^= 1 << (bit & 7)
    return salt
  })
  for (const salt of salts) expect(filter.add(salt)).toBe(true)
})

it('remembers at least the last of its capacity, and no more than twice as many', () => {
  const capacity = 30
  const filter = new SaltFilter({ seed, capacity })
  for (const last of numbers(0, 300)) {
    expect(filter.add(saltOf(last))).toBe(true)
    for (const number of numbers(Math.max(0, last - capacity + 1), last + 1)) {
      expect(filter.add(saltOf(number))).toBe(false)
    }
    expect(filter.size).toBeLessThanOrEqual(2 * capacity)
  }
  expect(filter.add(saltOf(300 - 2 * capacity - 1))).toBe(true)
})

it('stays within its capacity however many come, and takes few for known', () => {
  const filter = new SaltFilter({ seed, capacity: 10_000 })
  const salt = Buffer.alloc(16)
  let refused = 0
  for (let number = 0; number < 200_000; number++) {
    salt.writeUInt32LE(number)
    if (!filter.add(salt)) refused++
  }
  expect(refused).toBe(0)
  expect(filter.size).toBeLessThanOrEqual(20_000)
})
