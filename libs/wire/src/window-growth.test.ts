import { expect, test } from 'vitest'
import { WindowGrowth } from './window-growth.ts'

test('half a window within two round trips doubles it', () => {
  const growth = new WindowGrowth(1000, 4000)
  growth.consumed(1, 0, 10)
  growth.consumed(498, 19, 10)
  expect(growth.size).toBe(1000)
  growth.consumed(1, 19, 10)
  expect(growth.size).toBe(2000)
})

test('half a window in two round trips does not', () => {
  const growth = new WindowGrowth(1000, 4000)
  growth.consumed(1, 0, 10)
  growth.consumed(499, 20, 10)
  expect(growth.size).toBe(1000)
  growth.consumed(500, 39, 10)
  expect(growth.size).toBe(2000)
})

test('it stops at its limit, and stays where no round trip is known', () => {
  const growth = new WindowGrowth(1000, 3000)
  for (let i = 0; i < 10; i++) growth.consumed(3000, 0, 1)
  expect(growth.size).toBe(3000)
  const unknown = new WindowGrowth(1000, 3000)
  for (let i = 0; i < 10; i++) unknown.consumed(3000, 0, 0)
  expect(unknown.size).toBe(1000)
})
