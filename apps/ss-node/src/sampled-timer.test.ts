import { expect, it } from 'vitest'
import { SAMPLE_EVERY, SampledTimer } from './sampled-timer.ts'

it('times the first call and one in 64 from there on', () => {
  const seen: number[] = []
  const asked = { times: 0 }
  const now = (): number => (asked.times += 1) * 1000
  const timer = new SampledTimer({ observe: (seconds) => void seen.push(seconds) }, now)
  for (let i = 0; i < SAMPLE_EVERY * 3; i++) timer.end(timer.begin())
  expect(seen).toEqual([1, 1, 1])
  expect(asked.times).toBe(6)
})
