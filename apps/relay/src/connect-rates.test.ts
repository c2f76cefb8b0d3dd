import { ManualClock } from '@sluice/ratelimit'
import { expect, it } from 'vitest'
import { ConnectRates } from './connect-rates.ts'

it('lets a burst through, then one in its turn, and says when that is', () => {
  const clock = new ManualClock()
  const rates = new ConnectRates(clock, 6)
  expect(Array.from({ length: 6 }, () => rates.take('a'))).toEqual([0, 0, 0, 0, 0, 0])
  expect(rates.take('a')).toBeCloseTo(10_000)
  expect(rates.take('b')).toBe(0)
  clock.advance(4000)
  expect(rates.take('a')).toBeCloseTo(6000)
  clock.advance(6000)
  expect([rates.take('a'), rates.take('a') > 0]).toEqual([0, true])
})

it('takes another rate at once, without a present', () => {
  const clock = new ManualClock()
  const rates = new ConnectRates(clock, 1)
  expect([rates.take('a'), rates.take('a') > 0]).toEqual([0, true])
  rates.set(60)
  expect(rates.take('a')).toBeCloseTo(1000)
  clock.advance(1000)
  expect(rates.take('a')).toBe(0)
  rates.set(0)
  expect([rates.take('a'), rates.take('a')]).toEqual([0, 0])
})

it('keeps no more peers than it may, and forgets the one that asked the longest time ago', () => {
  const rates = new ConnectRates(new ManualClock(), 1)
  rates.take('first')
  for (let peer = 0; peer < 65_535; peer += 1) rates.take(String(peer))
  expect(rates.take('first')).toBeGreaterThan(0)
  rates.take('one more')
  expect([rates.take('first') > 0, rates.take('0')]).toEqual([true, 0])
})
