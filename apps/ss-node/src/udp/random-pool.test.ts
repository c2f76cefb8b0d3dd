import { expect, it } from 'vitest'
import { RandomPool } from './random-pool.ts'

it('gives as many as are asked for, and none twice', () => {
  const pool = new RandomPool()
  const taken = Array.from({ length: 2000 }, (_, index) => {
    const bytes = pool.take(index % 2 === 0 ? 32 : 24)
    return [bytes.length, Buffer.from(bytes).toString('hex')] as const
  })
  expect(taken.every(([size], index) => size === (index % 2 === 0 ? 32 : 24))).toBe(true)
  expect(new Set(taken.map(([, hex]) => hex)).size).toBe(2000)
})
