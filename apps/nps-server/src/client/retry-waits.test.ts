import { expect, it } from 'vitest'
import { RetryWaits } from './retry-waits.ts'

const first = (random: number, count = 8): number[] => {
  const waits = new RetryWaits(() => random)
  return Array.from({ length: count }, () => waits.next())
}

it('doubles from 0.1 s to 3 s, half of it by chance', () => {
  expect(first(1)).toEqual([100, 200, 400, 800, 1600, 3000, 3000, 3000])
  expect(first(0)).toEqual([50, 100, 200, 400, 800, 1500, 1500, 1500])
})

it('begins anew once it has worked', () => {
  const waits = new RetryWaits(() => 1)
  waits.next()
  waits.next()
  waits.reset()
  expect(waits.next()).toBe(100)
})
