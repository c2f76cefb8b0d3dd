import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from './clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('tells monotonic milliseconds', () => {
  const start = systemClock.now()
  vi.advanceTimersByTime(25)
  expect(systemClock.now() - start).toBeCloseTo(25)
})

it.each([
  [0, 0],
  [-5, 0],
  [10, 10],
  [10.2, 11],
])('after(%d) runs once after %d ms', (ms, due) => {
  const fn = vi.fn<() => void>()
  systemClock.after(ms, fn)
  if (due > 0) vi.advanceTimersByTime(due - 1)
  expect(fn).toHaveBeenCalledTimes(0)
  vi.advanceTimersByTime(100)
  expect(fn).toHaveBeenCalledTimes(1)
})

it('a cancelled timer does not run, and cancelling again is harmless', () => {
  const fn = vi.fn<() => void>()
  const timer = systemClock.after(10, fn)
  timer.cancel()
  timer.cancel()
  vi.advanceTimersByTime(100)
  expect(fn).toHaveBeenCalledTimes(0)
  expect(vi.getTimerCount()).toBe(0)
})

it('waits longer than one setTimeout can, and can be cancelled on the way', () => {
  const longest = 2 ** 31 - 1
  const fn = vi.fn<() => void>()
  systemClock.after(2.5 * longest, fn)
  const never = systemClock.after(Infinity, fn)
  vi.advanceTimersByTime(2 * longest)
  expect(fn).toHaveBeenCalledTimes(0)
  never.cancel()
  vi.advanceTimersByTime(0.5 * longest + 1)
  expect(fn).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
})
