import { expect, it } from 'vitest'
import { BufferPool } from './buffer-pool.ts'

const KIB = 1024

it.each([
  [1, 20],
  [16 * KIB + 100, 20],
  [64 * KIB + 500, 84],
  [512 * KIB + 2000, 600],
])('for %i bytes there is one of %i KiB', (bytes, kib) => {
  expect(new BufferPool().take(bytes).length).toBe(kib * KIB)
})

it('lends the one that came back last', () => {
  const pool = new BufferPool()
  const [one, other] = [pool.take(1), pool.take(1)]
  expect(one).not.toBe(other)
  pool.give(one)
  pool.give(other)
  expect([pool.take(1), pool.take(1)]).toEqual([other, one])
})

it('keeps eight of a size, and none of a size that is not its own', () => {
  const pool = new BufferPool()
  const lent = Array.from({ length: 9 }, () => pool.take(1))
  for (const buffer of lent) pool.give(buffer)
  const again = Array.from({ length: 9 }, () => pool.take(1))
  expect(again.filter((buffer) => lent.includes(buffer))).toHaveLength(8)
  const large = pool.take(1024 * KIB)
  pool.give(large)
  expect(large.length).toBe(1024 * KIB)
  expect(pool.take(1024 * KIB)).not.toBe(large)
})
