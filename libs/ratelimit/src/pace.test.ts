import { describe, expect, it } from 'vitest'
import { Pace } from './pace.ts'

const known = (slots: number, meanMs: number): Pace => {
  const pace = new Pace(slots)
  pace.set(slots, meanMs)
  pace.hold(0, 0)
  return pace
}

describe('the pace', () => {
  it('spreads starts at a little more than the rate of ends, with two saved up', () => {
    const pace = known(20, 115)
    expect(pace.intervalMs).toBeCloseTo(5)
    const starts: number[] = []
    for (let ms = 1000; ms < 1100; ms++) {
      while (pace.allows(ms)) {
        starts.push(ms - 1000)
        pace.started(ms)
      }
    }
    expect(starts.slice(0, 6)).toEqual([0, 0, 0, 5, 10, 15])
  })

  it('is none while nobody knows how long a slot is held, nor where it would be too short', () => {
    for (const pace of [known(20, 0), known(100, 5)]) {
      for (let i = 0; i < 100; i++) pace.started(0)
      expect(pace.allows(0)).toBe(true)
    }
  })

  it('gives way when it has kept slots idle for too long, until it has saved up again', () => {
    const pace = known(10, 100)
    let kept = 0
    for (let ms = 1; ms <= 100_000; ms++) {
      for (let i = 0; i < 10; i++) pace.started(ms)
      const isHeld = !pace.allows(ms)
      pace.hold(isHeld ? 10 : 0, ms)
      if (isHeld) kept += 10
    }
    expect(kept / (10 * 100_000)).toBeGreaterThan(0.014)
    expect(kept / (10 * 100_000)).toBeLessThan(0.0175)
  })
})
