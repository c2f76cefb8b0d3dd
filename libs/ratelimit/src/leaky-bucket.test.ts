import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LeakyBucket } from './leaky-bucket.ts'

describe('offer, as a trace of [now, level, offered, ms until its turn]', () => {
  const traces: Record<string, [number, number, number, number | undefined][]> = {
    'smooths to the rate': [
      [0, 0, 2, 0],
      [0, 2, 3, 200],
      [0, 5, 1, 500],
      [100, 5, 1, 500],
      [700, 0, 1, 0],
    ],
    'overflows above the capacity and not at it': [
      [0, 0, 10, 0],
      [0, 10, 1, undefined],
      [99, 9.01, 1, undefined],
      [100, 9, 1, 900],
      [100, 10, 0.5, undefined],
    ],
    'what does not fit at all is refused though nothing waits': [
      [0, 0, 11, undefined],
      [0, 0, 10, 0],
    ],
    'saves nothing up while idle': [
      [1e9, 0, 5, 0],
      [1e9, 5, 5, 500],
      [1e9, 10, 1, undefined],
    ],
    'a clock that goes back drains nothing twice': [
      [1000, 0, 10, 0],
      [0, 10, 1, undefined],
      [1000, 10, 1, undefined],
      [1100, 9, 1, 900],
    ],
  }
  it.each(Object.entries(traces))('%s', (_, trace) => {
    const bucket = new LeakyBucket({ rate: 10, capacity: 10 }, 0)
    for (const [now, level, n, turn] of trace) {
      expect([now, bucket.levelAt(now), bucket.offer(n, now)]).toEqual([now, level, turn])
    }
  })
})

describe('set', () => {
  it('keeps what is in it, whatever the capacity, and drains it at the new rate', () => {
    const bucket = new LeakyBucket({ rate: 10, capacity: 10 }, 0)
    bucket.offer(8, 0)
    bucket.set({ rate: 100, capacity: 20 }, 0)
    expect(bucket.levelAt(0)).toBe(8)
    expect(bucket.offer(12, 0)).toBe(80)
    bucket.set({ rate: 10, capacity: 5 }, 0)
    expect(bucket.levelAt(0)).toBe(20)
    expect(bucket.offer(1, 1500)).toBeUndefined()
    expect(bucket.offer(1, 1600)).toBe(400)
  })

  it('a rate of 0 holds everything', () => {
    const bucket = new LeakyBucket({ rate: 0, capacity: 10 }, 0)
    expect(bucket.offer(1, 0)).toBe(0)
    expect(bucket.offer(1, 1e9)).toBe(Infinity)
    bucket.set({ rate: 1, capacity: 10 }, 1e9)
    expect(bucket.offer(1, 1e9)).toBe(2000)
  })

  it.each([NaN, -1, Infinity])('refuses %d', (bad) => {
    expect(() => new LeakyBucket({ rate: bad, capacity: 1 }, 0)).toThrow(RangeError)
    expect(() => new LeakyBucket({ rate: 1, capacity: 1 }, 0).set({ rate: 1, capacity: bad }, 0)).toThrow(
      RangeError,
    )
  })
})

describe('laws', () => {
  const rates = fc.constantFrom(1, 1000, 64_000, 1e6, 1e10)
  const offers = fc.array(
    fc.record({ n: fc.integer({ min: 1, max: 1500 }), gap: fc.integer({ min: 0, max: 3000 }) }),
    {
      minLength: 1,
      maxLength: 100,
    },
  )

  it('turns are in order and rate apart; what is taken is all that fits, and drains to nothing', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 0, max: 2e9 }), offers, (rate, start, load) => {
        const capacity = 5000
        const bucket = new LeakyBucket({ rate, capacity }, start)
        const perUnitMs = 1000 / rate
        let now = start
        // A plain queue: when it has run out is the sum of the service times.
        let emptyAt = start
        for (const { n, gap } of load) {
          now += gap * perUnitMs
          const level = Math.max(0, emptyAt - now) / perUnitMs
          // A time at 10 GB/s cannot name a single byte; stay away from where it would have to.
          const coarse = (now * 2 ** -50) / perUnitMs + 1e-6
          if (Math.abs(level + n - capacity) < coarse) continue
          const turn = bucket.offer(n, now)
          expect(turn === undefined).toBe(level + n > capacity)
          if (turn === undefined) continue
          expect(Math.abs(turn / perUnitMs - level)).toBeLessThanOrEqual(load.length * coarse)
          emptyAt = Math.max(emptyAt, now) + n * perUnitMs
        }
        expect(bucket.levelAt(now + capacity * perUnitMs + 1)).toBe(0)
      }),
    )
  })

  it('passes single bytes at 10 GB/s at exactly that rate after a month', () => {
    const start = 2.6e9
    const bucket = new LeakyBucket({ rate: 1e10, capacity: 1e9 }, start)
    for (let i = 0; i < 100_000; i++) bucket.offer(1, start)
    expect(bucket.offer(1, start)).toBe(0.01)
  })
})
