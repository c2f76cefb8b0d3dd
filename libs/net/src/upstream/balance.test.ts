import { expect, it } from 'vitest'
import { roundRobin } from './balance.ts'

const picks = (weights: readonly number[], count: number): string => {
  const candidates = weights.map((weight, i) => ({ weight, credit: 0, name: 'abc'[i]! }))
  return Array.from({ length: count }, () => roundRobin(candidates)!.name).join('')
}

it.each([
  [[1], 'aaa'],
  [[1, 1], 'abab'],
  [[5, 1, 1], 'aabacaaaabacaa'],
  [[2, 1], 'abaaba'],
])('%j: %s', (weights, wanted) => {
  expect(picks(weights, wanted.length)).toBe(wanted)
})

it('has nobody to pick of nobody', () => {
  expect(roundRobin([])).toBeUndefined()
})
