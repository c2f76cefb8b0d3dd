import { expect, it } from 'vitest'
import { ManualClock } from './manual-clock.ts'

it('stands still until it is advanced, and runs what is due in order of time, then of setting', () => {
  const clock = new ManualClock(100)
  const seen: [string, number][] = []
  const note = (name: string) => () => void seen.push([name, clock.now()])
  clock.after(20, note('c'))
  clock.after(10, note('a'))
  clock.after(10, note('b'))
  clock.after(21, note('late'))
  expect(clock.timers).toBe(4)
  clock.advance(20)
  expect(seen).toEqual([
    ['a', 110],
    ['b', 110],
    ['c', 120],
  ])
  expect([clock.now(), clock.timers]).toEqual([120, 1])
})

it('runs timers set on the way, and none that were cancelled', () => {
  const clock = new ManualClock()
  const seen: number[] = []
  const every = (): void => {
    seen.push(clock.now())
    clock.after(10, every)
  }
  clock.after(10, every)
  const cancelled = clock.after(15, () => seen.push(-1))
  clock.after(12, () => cancelled.cancel())
  clock.advance(35)
  expect(seen).toEqual([10, 20, 30])
})

it('may be advanced by what it runs, and never goes back', () => {
  const clock = new ManualClock()
  clock.after(10, () => clock.advance(100))
  clock.after(-5, () => clock.advance(0))
  clock.advance(20)
  expect(clock.now()).toBe(110)
})

it('says so when time would never pass', () => {
  const clock = new ManualClock()
  const again = (): void => void clock.after(0, again)
  again()
  expect(() => clock.advance(1)).toThrow('stand still at 0')
})
