import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Limit } from './token-bucket.ts'
import { Credit } from './credit.ts'
import { Meter } from './testing/meter.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { randomOf } from './testing/random.ts'

/** A bucket that somebody has drawn on already: it fills from then on. */
const inUse = (limit: Limit, now: number): Credit => {
  const credit = new Credit(limit, now)
  credit.refill(now)
  return credit
}

it('waits at a quarter until it is first drawn on', () => {
  const credit = new Credit({ rate: 1000, burst: 1000 }, 0)
  credit.set({ rate: 1000, burst: 400 }, 5000)
  credit.refill(10_000)
  expect(credit.tokens).toBe(250)
  credit.refill(10_100)
  expect(credit.tokens).toBe(350)
})

const rates = [1, 100, 64e3, 1e6, 1e8, 1e10]

/** Takes whatever there is every few milliseconds, up to 20 s. */
function drain(credit: Credit, rate: number, options: { busy: boolean; mostMs: number }) {
  const clock = new ManualClock()
  const meter = new Meter(clock, rate)
  const random = randomOf(rate)
  const peaks = new Meter(clock, rate)
  while (clock.now() < 20_000) {
    if (options.busy) credit.markBusy(clock.now())
    credit.refill(clock.now(), options.busy)
    const bytes = Math.floor(credit.tokens)
    credit.tokens -= bytes
    meter.add(bytes)
    if (clock.now() > 1000) peaks.add(bytes)
    clock.advance(random() * options.mostMs)
  }
  return { meter, fullest: peaks.fullest, ms: clock.now() }
}

describe('an idle bucket', () => {
  it('starts a quarter full, fills at its rate and holds no more than its burst', () => {
    const credit = inUse({ rate: 1000, burst: 400 }, 0)
    const seen: number[] = []
    for (const now of [0, 100, 100, 50, 250, 300, 10_000]) {
      credit.refill(now)
      seen.push(credit.tokens)
    }
    // The clock goes back once, and gives nothing twice.
    expect(seen).toEqual([100, 200, 200, 200, 350, 400, 400])
  })

  it.each([
    [1e6, 0, 50_000],
    [1e6, 60_000, 60_000],
    [10, 0, 1],
    [0, 0, 1],
  ])('has at least 50 ms of %d bytes/s and one byte: %d is %d', (rate, burst, real) => {
    expect(new Credit({ rate, burst }, 0).burst).toBe(real)
  })

  it.each([
    [{ rate: -1, burst: 1 }],
    [{ rate: Infinity, burst: 1 }],
    [{ rate: 1, burst: Number.NaN }],
    [{ rate: 1, burst: -1 }],
  ])('refuses %j', (limit) => {
    expect(() => Credit.check(limit)).toThrow(RangeError)
  })
})

describe('worth', () => {
  it.each([
    // rate, grain, slice
    [1, 1, 1],
    [100, 10, 10],
    [64_000, 64, 2560],
    [200_000, 200, 4096],
    [1e6, 1000, 10_000],
    [1e8, 4096, 1e6],
  ])('at %d bytes/s a grant has %d bytes at least, and wakes somebody for %d', (rate, grain, slice) => {
    const credit = inUse({ rate, burst: rate }, 0)
    expect([credit.grain, credit.slice]).toEqual([grain, slice])
    credit.tokens = grain - 0.5
    expect([credit.isWorth(Infinity), credit.isWorth(0.25)]).toEqual([false, true])
    credit.tokens = grain
    expect(credit.isWorth(Infinity)).toBe(true)
  })

  it.each(rates)('is there when it said it would be, at %d bytes/s', (rate) => {
    const credit = inUse({ rate, burst: rate }, 0)
    for (const wanted of [1, 50, Infinity]) {
      credit.tokens = 0
      const ms = credit.msUntilWorth(wanted)
      expect(ms).toBeLessThanOrEqual(rate < 10 ? 1000 : 110)
      credit.tokens += (ms * rate) / 1000
      expect(credit.isWorth(wanted * (1 - 1e-9))).toBe(true)
    }
  })

  it('is there sooner where something is held back, as waits that come late lose no rate then', () => {
    const credit = inUse({ rate: 50_000, burst: 50_000 }, 0)
    credit.tokens = 0
    const waits = [0, 500, 5000].map((held) => {
      credit.held = held
      return credit.msUntilWorth(Infinity)
    })
    expect(waits).toEqual([40, 30, 20])
  })

  it('never comes at a rate of 0', () => {
    const credit = inUse({ rate: 0, burst: 1 }, 0)
    expect(credit.msUntilWorth(1)).toBe(Infinity)
    credit.refill(1e9)
    expect(credit.tokens).toBe(0.25)
  })
})

describe('a busy bucket', () => {
  const rate = 1e6

  it('lays ready 100 ms of its rate, and holds back the rest', () => {
    const credit = inUse({ rate, burst: rate / 4 }, 0)
    credit.tokens = 0
    credit.markBusy(0)
    credit.refill(200)
    expect([credit.tokens, credit.held]).toEqual([100_000, 100_000])
  })

  it('lets what it held back follow at a quarter of the rate on top, and 1.4 times the rate at most', () => {
    const credit = inUse({ rate, burst: rate / 4 }, 0)
    credit.tokens = 0
    credit.markBusy(1000)
    const got: number[] = []
    for (const now of [100, 120, 140, 160, 180, 200, 220, 240, 260, 280, 300, 320, 340]) {
      credit.refill(now)
      got.push(Math.round(credit.tokens / 1000))
      credit.tokens = 0
    }
    expect(got).toEqual([100, 20, 20, 0, 0, 0, 25, 25, 25, 25, 25, 15, 25])
  })

  it('gives the rest at once when nobody has waited for 250 ms, and is idle again', () => {
    const credit = inUse({ rate, burst: rate / 2 }, 0)
    credit.tokens = 0
    credit.markBusy(0)
    credit.refill(249)
    expect([credit.busy, credit.tokens]).toEqual([true, 100_000])
    credit.refill(250)
    expect([credit.busy, credit.tokens, credit.held]).toEqual([false, 250_000, 0])
  })

  it('stays busy however late somebody who waits for it is served', () => {
    const credit = inUse({ rate, burst: rate / 2 }, 0)
    credit.tokens = 0
    credit.markBusy(0)
    credit.refill(5000, true)
    expect([credit.busy, credit.tokens]).toEqual([true, 100_000])
    credit.refill(5000 + 249)
    expect(credit.busy).toBe(true)
  })

  it.each(rates.slice(2))('gives at most 1.45 times %d bytes/s in any 100 ms, and all of it', (rate) => {
    for (const mostMs of [3, 20, 60]) {
      const credit = inUse({ rate, burst: rate / 2 }, 0)
      const { meter, fullest, ms } = drain(credit, rate, { busy: true, mostMs })
      expect(fullest / (rate / 10)).toBeLessThanOrEqual(1.45)
      expect(meter.bytes / ((rate * ms) / 1000)).toBeGreaterThan(0.99)
    }
  })
})

describe.each([true, false])('busy: %s', (busy) => {
  it.each(rates)('carries at most burst + rate × W bytes in any window, at %d bytes/s', (rate) => {
    for (const burst of [0, rate / 4, 65_536]) {
      for (const mostMs of [1, 40, 700]) {
        const credit = inUse({ rate, burst }, 0)
        const { meter } = drain(credit, rate, { busy, mostMs })
        expect(meter.burst).toBeLessThanOrEqual(credit.burst * (1 + 1e-9) + 1e-6)
      }
    }
  })

  it.each(rates)('loses and makes up nothing over a long time, at %d bytes/s', (rate) => {
    const credit = inUse({ rate, burst: 10 * rate }, 0)
    const { meter, ms } = drain(credit, rate, { busy, mostMs: 7 })
    const last = (ms * rate) / 1000 + credit.burst / 4 - credit.tokens - credit.held - meter.bytes
    // Between the last look at the clock and now up to 7 ms have passed.
    expect(last).toBeGreaterThanOrEqual(-1e-6 * rate)
    expect(last).toBeLessThanOrEqual(0.007 * rate + 1e-6 * rate)
  })
})

describe('a new limit', () => {
  it('holds from the moment of the change, and gives no presents', () => {
    const credit = inUse({ rate: 1000, burst: 1000 }, 0)
    credit.set({ rate: 100, burst: 300 }, 10_000)
    expect(credit.tokens).toBe(300)
    credit.set({ rate: 1e6, burst: 1e6 }, 10_000)
    expect(credit.tokens).toBe(300)
    credit.refill(10_001)
    expect(credit.tokens).toBe(1300)
  })

  it('counts the time before it at the old rate', () => {
    const credit = inUse({ rate: 1000, burst: 1e6 }, 0)
    credit.tokens = 0
    credit.set({ rate: 10, burst: 1e6 }, 1000)
    credit.refill(2000)
    expect(credit.tokens).toBe(1010)
  })

  it('cuts what is held back too', () => {
    const credit = inUse({ rate: 1000, burst: 1000 }, 0)
    credit.markBusy(10_000)
    credit.refill(500)
    credit.set({ rate: 1000, burst: 400 }, 500)
    expect(credit.tokens + credit.held).toBe(400)
  })

  it('lets nobody wait for ever for one that never came', () => {
    const credit = inUse({ rate: 0, burst: 1 }, 0)
    credit.markBusy(credit.msUntilWorth(1))
    credit.set({ rate: 1000, burst: 1000 }, 10)
    credit.refill(20)
    expect([credit.busy, credit.tokens]).toEqual([false, 10.25])
  })
})

it('never has less than nothing or more than its burst, whatever happens to it', () => {
  const limit = fc.record({
    rate: fc.constantFrom(0, 1, 1e3, 1e6, 1e10),
    burst: fc.constantFrom(0, 1e3, 1e9),
  })
  const step = fc.record({
    ms: fc.double({ min: -10, max: 1000, noNaN: true }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    busy: fc.boolean(),
    limit: fc.option(limit, { freq: 5 }),
  })
  fc.assert(
    fc.property(limit, fc.array(step, { maxLength: 40 }), (start, steps) => {
      const credit = inUse(start, 0)
      let now = 0
      for (const { ms, part, busy, limit: next } of steps) {
        now += ms
        if (busy) credit.markBusy(now)
        if (next !== null) credit.set(next, now)
        credit.refill(now, busy)
        expect(credit.tokens).toBeGreaterThanOrEqual(0)
        expect(credit.held).toBeGreaterThanOrEqual(0)
        expect(credit.tokens + credit.held).toBeLessThanOrEqual(credit.burst * (1 + 1e-12))
        credit.tokens -= Math.floor(credit.tokens * part)
      }
    }),
    { numRuns: 300 },
  )
})
