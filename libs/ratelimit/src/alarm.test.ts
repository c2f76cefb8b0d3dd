import { expect, it } from 'vitest'
import { Alarm } from './alarm.ts'
import { ManualClock } from './testing/manual-clock.ts'

it('rings once, at the soonest time that it was set for, and never sooner than it has to', () => {
  const clock = new ManualClock()
  const rung: number[] = []
  const alarm = new Alarm(clock, () => void rung.push(clock.now()))
  const start = clock.now()
  for (const ms of [50, 20, 30]) alarm.set(start + ms, start, 1)
  expect(clock.timers).toBe(1)
  clock.advance(100)
  expect(rung).toEqual([start + 20])
  alarm.set(start, clock.now(), 5)
  clock.advance(4)
  expect(rung).toHaveLength(1)
  clock.advance(1)
  expect(rung).toEqual([start + 20, start + 105])
})

it('is silent once stopped', () => {
  const clock = new ManualClock()
  const alarm = new Alarm(clock, () => expect.unreachable())
  alarm.set(clock.now() + 5, clock.now(), 1)
  alarm.stop()
  clock.advance(10)
  expect(clock.timers).toBe(0)
})
