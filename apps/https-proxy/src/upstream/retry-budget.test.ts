import { expect, it } from 'vitest'
import { RetryBudget } from './retry-budget.ts'

const spent = (budget: RetryBudget): number => {
  let count = 0
  while (budget.spend()) count += 1
  return count
}

it('has some to begin with, and earns a share', () => {
  const budget = new RetryBudget(0.25)
  expect(spent(budget)).toBe(10)
  for (let i = 0; i < 8; i += 1) budget.earn()
  expect(spent(budget)).toBe(2)
  for (let i = 0; i < 1000; i += 1) budget.earn()
  expect(spent(budget)).toBe(10)
})

it('has none where there are to be none', () => {
  const budget = new RetryBudget(0)
  budget.earn()
  expect(spent(budget)).toBe(0)
})
