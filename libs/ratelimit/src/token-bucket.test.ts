import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultBurst, TokenBucket, type Limit } from './token-bucket.ts'

const tenASecond: Limit = { rate: 10, burst: 10 }

describe('tryTake, as a trace of [now, tokens held, asked, granted]', () => {
  const traces: Record<string, [number, number, number, boolean][]> = {
    'spends the burst, then the rate': [
      [0, 10, 4, true],
      [0, 6, 6, true],
      [0, 0, 1, false],
      [99, 0.99, 1, false],
      [100, 1, 1, true],
      [350, 2.5, 2, true],
      [350, 0.5, 1, false],
    ],
    'saves up the burst and no more': [
      [0, 10, 10, true],
      [1e9, 10, 11, false],
      [1e9, 10, 10, true],
      [1e9, 0, 1, false],
    ],
    'a refusal takes nothing': [
      [0, 10, 11, false],
      [0, 10, 10, true],
    ],
    'asking for nothing is granted unless there is a debt': [
      [0, 10, 10, true],
      [0, 0, 0, true],
    ],
    'a clock that goes back gives nothing twice': [
      [1000, 10, 10, true],
      [0, 0, 1, false],
      [1000, 0, 1, false],
      [500, 0, 1, false],
      [1100, 1, 1, true],
    ],
  }
  it.each(Object.entries(traces))('%s', (_, trace) => {
    const bucket = new TokenBucket(tenASecond, 0, 1)
    for (const [now, held, n, granted] of trace) {
      expect([now, bucket.tokensAt(now), bucket.tryTake(n, now)]).toEqual([now, held, granted])
    }
  })
})

it('take, as a trace of [now, tokens held, taken, ms to wait]: debt is allowed and later takers wait behind it', () => {
  const bucket = new TokenBucket(tenASecond, 0, 1)
  for (const [now, held, n, waitMs] of [
    [0, 10, 10, 0],
    [0, 0, 5, 500],
    [0, -5, 5, 1000],
    [500, -5, 0, 500],
    [1000, 0, 0, 0],
    [1000, 0, 1000, 100_000],
    [101_000, 0, 0, 0],
    [101_100, 1, 1, 0],
    [50_000, 0, 1, 100],
  ] as const) {
    expect([now, bucket.tokensAt(now), bucket.take(n, now)]).toEqual([now, held, waitMs])
  }
})

it('starts with a quarter of the burst unless told otherwise', () => {
  expect(new TokenBucket(tenASecond, 7).tokensAt(7)).toBe(2.5)
  expect(new TokenBucket(tenASecond, 7, 0).tokensAt(7)).toBe(0)
})

it('takes back what was not used, but never holds more than the burst', () => {
  const bucket = new TokenBucket(tenASecond, 0, 1)
  bucket.take(8, 0)
  bucket.take(-3, 0)
  expect(bucket.tokensAt(0)).toBe(5)
  bucket.take(-100, 0)
  expect(bucket.tokensAt(0)).toBe(10)
  expect(bucket.tryTake(11, 0)).toBe(false)
})

it('looking changes nothing, even at a later time', () => {
  const bucket = new TokenBucket(tenASecond, 0, 0)
  expect(bucket.tokensAt(500)).toBe(5)
  expect(bucket.tokensAt(0)).toBe(0)
})

it('a rate of 0 gives what is there and then waits for a change', () => {
  const bucket = new TokenBucket({ rate: 0, burst: 4 }, 0, 1)
  expect(bucket.take(4, 0)).toBe(0)
  expect(bucket.take(1, 1e12)).toBe(Infinity)
  bucket.set({ rate: 1, burst: 4 }, 1e12)
  expect(bucket.take(0, 1e12)).toBe(1000)
})

describe('set', () => {
  it('counts the time before it at the old rate and the time after at the new', () => {
    const bucket = new TokenBucket({ rate: 10, burst: 100 }, 0, 0)
    bucket.set({ rate: 1000, burst: 100 }, 1000)
    expect(bucket.tokensAt(1000)).toBe(10)
    expect(bucket.tokensAt(1010)).toBe(20)
    bucket.set({ rate: 1, burst: 100 }, 1010)
    expect(bucket.tokensAt(2010)).toBe(21)
  })

  it('cuts what is there to the new burst, and a raise gives nothing', () => {
    const bucket = new TokenBucket({ rate: 1, burst: 100 }, 0, 1)
    bucket.set({ rate: 1, burst: 10 }, 0)
    expect(bucket.tokensAt(0)).toBe(10)
    bucket.set({ rate: 1, burst: 100 }, 0)
    expect(bucket.tokensAt(0)).toBe(10)
  })

  it('keeps a debt, to be paid at the new rate', () => {
    const bucket = new TokenBucket({ rate: 1, burst: 10 }, 0, 0)
    expect(bucket.take(50, 0)).toBe(50_000)
    bucket.set({ rate: 100, burst: 1 }, 0)
    expect(bucket.take(0, 0)).toBe(500)
  })
})

it.each([
  { rate: -1, burst: 1 },
  { rate: NaN, burst: 1 },
  { rate: Infinity, burst: 1 },
  { rate: 1, burst: -1 },
  { rate: 1, burst: NaN },
  { rate: 1, burst: Infinity },
])('refuses $rate/s with burst $burst', (limit) => {
  expect(() => new TokenBucket(limit, 0)).toThrow(RangeError)
  expect(() => new TokenBucket(tenASecond, 0).set(limit, 0)).toThrow(RangeError)
})

it('refuses a fill outside 0 to 1', () => {
  expect(() => new TokenBucket(tenASecond, 0, 1.1)).toThrow(RangeError)
  expect(() => new TokenBucket(tenASecond, 0, NaN)).toThrow(RangeError)
})

it.each([
  [1, 65_536],
  [262_144, 65_536],
  [1e6, 250_000],
  [1e10, 2.5e9],
])('the default burst of %d bytes/s is %d bytes', (rate, burst) => {
  expect(defaultBurst(rate)).toBe(burst)
})

/** Every take, with the time at which it may go. */
function run(
  limit: Limit,
  start: number,
  load: { size: number; gap: number }[],
): { at: number; n: number }[] {
  const bucket = new TokenBucket(limit, start)
  let now = start
  return load.map(({ size, gap }) => {
    now += (gap * limit.burst * 1000) / limit.rate
    const n = Math.floor(size * limit.burst)
    return { at: now + bucket.take(n, now), n }
  })
}

/** What the last bits of `now` are worth in units. */
const slack = (limit: Limit, now: number): number => 1e-9 * limit.burst + (limit.rate / 1000) * now * 2 ** -50

describe('laws', () => {
  const rates = fc.oneof(fc.constantFrom(1, 64_000, 1e6, 1e10), fc.integer({ min: 1, max: 1e10 }))
  /** A start far into the life of a clock, where doubles are coarse: up to 30 days in ms. */
  const starts = fc.double({ min: 0, max: 2.6e9, noNaN: true })
  const shares = fc.double({ min: 0, max: 1, noNaN: true })
  /** Sizes as shares of the burst, gaps as shares of the time in which the bucket fills. */
  const steps = fc.array(fc.record({ size: shares, gap: shares }), { minLength: 1, maxLength: 60 })

  it('any window of W seconds carries at most burst + rate * W, and in order', () => {
    fc.assert(
      fc.property(rates, starts, steps, (rate, start, load) => {
        const limit = { rate, burst: defaultBurst(rate) }
        const went = run(limit, start, load)
        for (const [i, first] of went.entries()) {
          let carried = 0
          let before = first.at
          for (const { at, n } of went.slice(i)) {
            carried += n
            const windowMs = at - first.at
            expect(carried).toBeLessThanOrEqual(limit.burst + (rate * windowMs) / 1000 + slack(limit, at))
            expect(at).toBeGreaterThanOrEqual(before - 1e-6)
            before = at
          }
        }
      }),
    )
  })

  it('whoever takes all the time gets the rate exactly, however long and in whatever pieces', () => {
    fc.assert(
      fc.property(rates, starts, fc.array(shares, { minLength: 1, maxLength: 10 }), (rate, start, sizes) => {
        const limit = { rate, burst: defaultBurst(rate) }
        const bucket = new TokenBucket(limit, start, 0)
        let now = start
        let taken = 0
        for (let i = 0; i < 2000; i++) {
          const n = Math.ceil((sizes[i % sizes.length] ?? 0) * limit.burst) + 1
          now += bucket.take(n, now)
          taken += n
        }
        const due = (rate * (now - start)) / 1000
        expect(Math.abs(taken - due)).toBeLessThanOrEqual(taken * 1e-12 + slack(limit, now))
      }),
    )
  })

  it('a limit changed at any time, up or down, holds from that time on', () => {
    const changes = fc.array(fc.record({ rate: rates, forMs: fc.integer({ min: 1, max: 100_000 }) }), {
      minLength: 1,
    })
    fc.assert(
      fc.property(changes, (parts) => {
        const burst = 1e6
        const bucket = new TokenBucket({ rate: 1, burst }, 0, 0)
        bucket.take(1e18, 0)
        let now = 0
        let due = -1e18
        for (const { rate, forMs } of parts) {
          bucket.set({ rate, burst }, now)
          now += forMs
          due = Math.min(burst, due + (rate * forMs) / 1000)
        }
        expect(bucket.tokensAt(now)).toBeCloseTo(due, -4)
      }),
    )
  })

  it.each([
    [1, 1e-3],
    [1, 0.7],
    [64_000, 1e-4],
    [1e10, 1e-5],
    [1e10, 0.3],
  ])('at %d/s a million refills of %d ms lose nothing', (rate, stepMs) => {
    const bucket = new TokenBucket({ rate, burst: defaultBurst(rate) }, 0, 0)
    const n = Math.max(1, Math.floor((rate * stepMs) / 1000))
    let taken = 0
    let now = 0
    for (let i = 1; i <= 1e6; i++) {
      now = i * stepMs
      if (bucket.tryTake(n, now)) taken += n
    }
    const due = (rate * now) / 1000
    expect(Math.abs((taken + bucket.tokensAt(now)) / due - 1)).toBeLessThan(1e-12)
  })

  it('pays off a debt far above the burst in tiny steps without losing any', () => {
    const bucket = new TokenBucket({ rate: 1000, burst: 1 }, 0, 0)
    bucket.take(1e15, 0)
    for (let i = 1; i <= 10_000; i++) bucket.take(0, i * 1.1)
    expect(bucket.tokensAt(11_000)).toBeCloseTo(-1e15 + 11_000, 0)
  })

  it('still notices a single byte after a year in debt at 10 GB/s', () => {
    const rate = 1e10
    const bucket = new TokenBucket({ rate, burst: defaultBurst(rate) }, 0, 0)
    let now = 0
    for (let i = 0; i < 1000; i++) now += bucket.take(3e14, now)
    expect(now).toBeCloseTo(3e10, 0)
    const held = bucket.tokensAt(now)
    for (let i = 0; i < 1000; i++) bucket.take(1, now)
    expect(bucket.tokensAt(now)).toBeCloseTo(held - 1000, 2)
  })
})
