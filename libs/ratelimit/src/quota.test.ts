import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { Quota } from './quota.ts'

it('take, as a trace of [left, asked, granted]: all or nothing', () => {
  const quota = new Quota(10)
  for (const [left, bytes, granted] of [
    [10, 4, true],
    [6, 7, false],
    [6, 6, true],
    [0, 1, false],
    [0, 0, true],
  ] as const) {
    expect([quota.remaining, quota.take(bytes)]).toEqual([left, granted])
  }
})

it('takeUpTo, as a trace of [left, asked, taken]', () => {
  const quota = new Quota(10)
  for (const [left, bytes, taken] of [
    [10, 4, 4],
    [6, 7, 6],
    [0, 1, 0],
  ] as const) {
    expect([quota.remaining, quota.takeUpTo(bytes)]).toEqual([left, taken])
  }
})

it('calls onSpent once each time the last byte goes', () => {
  const quota = new Quota(10)
  const spent = vi.fn<() => void>(() => expect(quota.remaining).toBe(0))
  quota.onSpent = spent
  quota.take(9)
  quota.take(2)
  expect(spent).toHaveBeenCalledTimes(0)
  quota.take(1)
  expect(spent).toHaveBeenCalledTimes(1)
  quota.take(0)
  quota.take(1)
  quota.takeUpTo(5)
  quota.set(0)
  expect(spent).toHaveBeenCalledTimes(1)
  quota.set(5)
  quota.takeUpTo(6)
  expect(spent).toHaveBeenCalledTimes(2)
  quota.set(5)
  quota.set(-3)
  expect(spent).toHaveBeenCalledTimes(3)
})

it('onSpent may set it again', () => {
  const quota = new Quota(1)
  quota.onSpent = () => quota.set(3)
  expect(quota.take(1)).toBe(true)
  expect(quota.remaining).toBe(3)
})

it('Infinity is no quota', () => {
  const quota = new Quota(Infinity)
  expect(quota.take(1e300)).toBe(true)
  expect(quota.takeUpTo(7)).toBe(7)
  expect(quota.remaining).toBe(Infinity)
})

it('what is overdrawn counts as nothing left, and NaN is refused', () => {
  expect(new Quota(-5).remaining).toBe(0)
  expect(() => new Quota(NaN)).toThrow(RangeError)
  const quota = new Quota(3)
  expect(() => quota.set(NaN)).toThrow(RangeError)
  expect(quota.remaining).toBe(3)
})

it('gives out exactly what it had', () => {
  const takes = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 1e9 })))
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 - 1 }), takes, (total, steps) => {
      const quota = new Quota(total)
      let given = 0
      for (const [whole, bytes] of steps) {
        if (!whole) given += quota.takeUpTo(bytes)
        else if (quota.take(bytes)) given += bytes
        expect(given + quota.remaining).toBe(total)
        expect(quota.remaining).toBeGreaterThanOrEqual(0)
      }
    }),
  )
})
