import { Flow } from '@sluice/metrics'
import { ManualClock, Shaper } from '@sluice/ratelimit'
import type { Limits } from '@sluice/userstore'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Account } from './account.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'
import { Pump } from './testing/pump.ts'
import { SessionLanes } from './user-lane.ts'

const accountWith = (limits: Limits, clock = new ManualClock()): Account =>
  new Account(userOf('ada', { limits }), new Shaper({}, clock), {}, () => {})

describe('UserLane', () => {
  it('has no limiter where nothing limits it', () => {
    const account = accountWith({ down: 1000, connections: 5, ips: 5 })
    expect(new Pump(account, 'up', 1).lane.limiter).toBeUndefined()
    expect(new Pump(account, 'down', 1).lane.limiter).toBeDefined()
  })

  it('has one for a quota alone, which grants all at once', () => {
    const pump = new Pump(accountWith({ quotaBytes: 100 }), 'up', 60)
    expect(pump.lane.limiter?.take(60)).toBe(60)
  })

  it('gets one when a limit comes, and keeps it when the limit goes', () => {
    const account = accountWith({})
    const pump = new Pump(account, 'up', 10)
    account.update(userOf('ada', { limits: { quotaBytes: 100 } }), 0)
    expect(pump.lane.limiter).toBe(pump.lane)
    account.update(userOf('ada'), 0)
    expect(pump.lane.limiter?.take(1_000_000)).toBe(1_000_000)
  })

  it('counts for the session and for the user', () => {
    const account = accountWith({})
    const pumps = [new Pump(account, 'up', 10), new Pump(account, 'down', 7)]
    for (const pump of pumps) pump.go()
    expect(account.flow.read()).toEqual({ up: 10, down: 7 })
  })

  it('leaves the queue when it is closed', () => {
    const clock = new ManualClock()
    const account = accountWith({ up: 1000, burst: 1 }, clock)
    const pumps = [new Pump(account, 'up', 500), new Pump(account, 'up', 500)]
    for (const pump of pumps) pump.go()
    const [closed, open] = pumps
    closed?.end()
    const before = closed?.moved
    clock.advance(10_000)
    expect(closed?.moved).toBe(before)
    expect(open?.moved).toBeGreaterThan(9_000)
  })
})

describe('SessionLanes', () => {
  it('opens lanes that take turns with all others, count for the same session and close by themselves', () => {
    const clock = new ManualClock()
    const account = accountWith({ up: 1000, burst: 1 }, clock)
    const flow = new Flow()
    const lanes = new SessionLanes(account, flow)
    const [first, second] = [lanes.open(), lanes.open()]
    const moved = [0, 0]
    for (const [index, { up }] of [first, second].entries()) {
      const go = (): void => {
        for (let bytes = up.take(500); bytes > 0; bytes = up.take(500)) {
          moved[index]! += bytes
          up.count(bytes)
        }
      }
      up.onGrant = (bytes) => {
        moved[index]! += bytes
        up.count(bytes)
        go()
      }
      go()
    }
    clock.advance(10_000)
    expect(Math.abs(moved[0]! - moved[1]!)).toBeLessThanOrEqual(1000)
    expect(flow.read()).toEqual({ up: moved[0]! + moved[1]!, down: 0 })
    first.close()
    const [before] = moved
    clock.advance(10_000)
    expect(moved[0]).toBe(before)
    lanes.close()
    clock.advance(60_000)
    expect(clock.timers).toBe(0)
  })

  it('has all that are open follow the limits of their user', () => {
    const account = accountWith({})
    const lanes = new SessionLanes(account, new Flow())
    const [open, closed] = [lanes.open(), lanes.open()]
    closed.close()
    account.update(userOf('ada', { limits: { quotaBytes: 100 } }), 0)
    lanes.relimit()
    expect([lanes.up, open.down].map(({ limiter }) => limiter)).toEqual([lanes.up, open.down])
    expect(closed.up.limiter).toBeUndefined()
  })
})

describe('a quota', () => {
  const rate = fc.option(fc.integer({ min: 1000, max: 10_000_000 }), { nil: undefined })
  const limits = fc.record({
    up: rate,
    down: rate,
    total: rate,
    quotaBytes: fc.integer({ min: 1, max: 3_000_000 }),
  })
  const lanes = fc.array(
    fc.record({ direction: fc.constantFrom('up', 'down'), chunk: fc.integer({ min: 1, max: 65_536 }) }),
    { minLength: 1, maxLength: 8 },
  )

  it('is used up to the last byte and not beyond, by any number of lanes that wait for their turns', async () => {
    await fc.assert(
      fc.asyncProperty(limits, lanes, async ({ quotaBytes, ...rates }, specs) => {
        const clock = new ManualClock()
        const given = Object.entries(rates).filter(([, value]) => value !== undefined)
        const account = accountWith({ quotaBytes, ...Object.fromEntries(given) }, clock)
        const pumps = specs.map(({ direction, chunk }) => new Pump(account, direction, chunk))
        for (const pump of pumps) pump.go()
        await settled()
        for (let rounds = 0; account.quota.remaining > 0 && rounds < 5000; rounds += 1) {
          clock.advance(1000)
          await Promise.resolve()
        }
        await settled()
        expect(pumps.reduce((sum, { moved }) => sum + moved, 0)).toBe(quotaBytes)
        expect(pumps.map(({ code }) => code)).toEqual(pumps.map(() => 'QUOTA_EXCEEDED'))
        for (const pump of pumps) pump.end()
        clock.advance(60_000)
        expect(clock.timers).toBe(0)
      }),
      { numRuns: 25 },
    )
  })

  it('that was spent is not raised in time: lanes that got nothing would wait for ever', async () => {
    const account = accountWith({ quotaBytes: 1000 })
    const pumps = [new Pump(account, 'up', 1000), new Pump(account, 'up', 1000)]
    for (const pump of pumps) pump.go()
    account.update(userOf('ada', { limits: { quotaBytes: 2000 } }), 0)
    await settled()
    expect(pumps.map(({ code, moved }) => [code, moved])).toEqual([
      ['QUOTA_EXCEEDED', 1000],
      ['QUOTA_EXCEEDED', 0],
    ])
  })

  it('that is raised in the middle is used up to its new last byte', async () => {
    const clock = new ManualClock()
    const account = accountWith({ up: 1000, quotaBytes: 50_000 }, clock)
    const pumps = [new Pump(account, 'up', 4096), new Pump(account, 'up', 65_536)]
    for (const pump of pumps) pump.go()
    clock.advance(20_000)
    account.update(userOf('ada', { limits: { up: 1000, quotaBytes: 60_000 } }), 0)
    clock.advance(60_000)
    await settled()
    expect(pumps.reduce((sum, { moved }) => sum + moved, 0)).toBe(60_000)
  })
})
