import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecentHistogram, StatsHistogram } from './stats-histogram.ts'

const of = (...times: number[]): StatsHistogram => {
  const histogram = new StatsHistogram()
  for (const ms of times) histogram.record(ms)
  return histogram
}

describe('times', () => {
  it('are counted, summed and ordered', () => {
    const histogram = of(...Array.from({ length: 100 }, (_, index) => (index + 1) / 32))
    expect([histogram.count, histogram.mean]).toEqual([100, 50.5 / 32])
    expect([0.5, 0.9, 1].map((part) => histogram.quantile(part))).toEqual([1.5625, 2.8125, 3.125])
  })

  it('are 0 where there are none', () => {
    expect([of().mean, of().quantile(0.5), of().quantile(1)]).toEqual([0, 0, 0])
  })

  it('are kept within 2 %, or 1/32 ms, up to 37 hours', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 134_000_000, noNaN: true }), (ms) => {
        expect(Math.abs(of(ms).quantile(0.5) - ms)).toBeLessThanOrEqual(Math.max(1 / 32, ms * 0.02))
      }),
    )
  })

  it('have the quantiles of what they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (times, part) => {
          const exact = times.toSorted((a, b) => a - b)[Math.ceil(part * times.length) - 1]!
          expect(Math.abs(of(...times).quantile(part) - exact)).toBeLessThanOrEqual(
            Math.max(1 / 16, exact * 0.04),
          )
        },
      ),
    )
  })

  it('longer than anybody waits are one', () => {
    expect(of(1e12).quantile(1)).toBeGreaterThan(130_000_000)
    expect(of(-1, Number.NaN).quantile(1)).toBe(0)
  })
})

it('the last minute is forgotten ten seconds at a time', () => {
  let now = 5000
  const recent = new RecentHistogram(() => now)
  const counts: number[] = []
  for (const at of [5000, 9999, 10_000, 59_999, 60_000, 70_000]) {
    now = at
    recent.record(1)
    counts.push(recent.read().count)
  }
  expect(counts).toEqual([1, 2, 3, 4, 3, 3])
  now = 1_000_000
  expect(recent.read().count).toBe(0)
})
