import { ManualClock } from '@sluice/ratelimit'
import { expect, it } from 'vitest'
import { JobClock } from './job-clock.ts'

it('counts the time in which it goes, and steps beside it', () => {
  const time = new ManualClock(100)
  const clock = new JobClock(() => time.now(), 50)
  expect(clock.deadline).toBe(Infinity)
  clock.start()
  time.advance(20)
  clock.start()
  expect([clock.deadline, clock.isStep]).toEqual([150, false])
  clock.stop()
  time.advance(1000)
  clock.stop()
  clock.start()
  expect(clock.deadline).toBe(1150)
  clock.step(10)
  expect([clock.deadline, clock.isStep]).toEqual([1130, true])
  clock.step(Infinity)
  expect([clock.deadline, clock.isStep]).toEqual([1150, false])
})
