import { expect, test } from 'vitest'
import { TopRates } from './top-rates.ts'
import type { UserStatus } from './user-status.ts'

const user = (id: string, up: number, down: number): UserStatus => ({
  id,
  name: id,
  state: 'active',
  connections: 1,
  ips: 1,
  up,
  down,
  used: up + down,
  limits: {},
})

const add = (rates: TopRates, uptimeMs: number, ...users: UserStatus[]): number[][] =>
  rates
    .add({ app: 'a', version: '1', uptimeMs, total: users.length, users })
    .map(({ upRate, downRate, upMean, downMean }) => [upRate, downRate, upMean, downMean])

test('rates are bytes by the time between two reports', () => {
  const rates = new TopRates()
  expect(add(rates, 1000, user('a', 500, 500))).toEqual([[0, 0, 0, 0]])
  expect(add(rates, 3000, user('a', 2500, 500))).toEqual([[1000, 0, 1000, 0]])
})

test('the mean is that of the first few, and then forgets in about ten seconds', () => {
  const rates = new TopRates()
  add(rates, 0, user('a', 0, 0))
  expect(add(rates, 1000, user('a', 1000, 0))[0]?.[2]).toBe(1000)
  expect(add(rates, 2000, user('a', 1000, 0))[0]?.[2]).toBe(500)
  let mean = 0
  for (let second = 3; second <= 40; second += 1) mean = add(rates, second * 1000, user('a', 1000, 0))[0]![2]!
  expect(mean).toBeLessThan(20)
  expect(mean).toBeGreaterThan(0)
})

test('who is new, and a program that was started anew, begin without a rate', () => {
  const rates = new TopRates()
  add(rates, 5000, user('a', 1000, 0))
  expect(add(rates, 6000, user('a', 1000, 0), user('b', 9999, 0))[1]).toEqual([0, 0, 0, 0])
  expect(add(rates, 700, user('a', 50, 0))).toEqual([[0, 0, 0, 0]])
  expect(add(rates, 1700, user('a', 150, 0))[0]?.[0]).toBe(100)
})
