import { expect, it } from 'vitest'
import { RetryWaits } from './retry-waits.ts'

const first = (random: number, count = 8): number[] => {
  const waits = new RetryWaits(() => random)
  return Array.from({ length: count }, () => waits.next())
}

it('doubles from 0.1 s to 4 s, half of it by chance', () => {
  expect(first(1)).toEqual([100, 200, 400, 800, 1600, 3200, 4000, 4000])
  expect(first(0)).toEqual([50, 100, 200, 400, 800, 1600, 2000, 2000])
})

it('begins anew once it has worked', () => {
  const waits = new RetryWaits(() => 1)
  waits.next()
  waits.next()
  waits.reset()
  expect(waits.next()).toBe(100)
})
