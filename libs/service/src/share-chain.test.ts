import { Flow } from '@sluice/metrics'
import { ManualClock, Shaper } from '@sluice/ratelimit'
import { describe, expect, it } from 'vitest'
import { Account } from './account.ts'
import { userLanes, type UserLanes } from './user-lane.ts'

const RATE = 1000
const limitOf = (rate: number): { rate: number; burst: number } => ({ rate, burst: rate })

/** Lanes of a user whose share is not under the node's. */
const lanesOf = (limits: { user?: number; node?: number }): { clock: ManualClock; lanes: UserLanes } => {
  const clock = new ManualClock()
  const down = limits.user === undefined ? {} : { down: limits.user }
  const user = { id: 'ada', name: 'ada', enabled: true, limits: down, credentials: [] }
  const account = new Account(user, new Shaper({}, clock), { burst: RATE }, () => {})
  const node = new Shaper(limits.node === undefined ? {} : { down: limitOf(limits.node) }, clock)
  return { clock, lanes: userLanes(account, new Flow(), { node: node.user('ada') }) }
}

/** What a lane lets go in so many seconds. */
const passes = ({ clock, lanes: { down } }: ReturnType<typeof lanesOf>, seconds: number): number => {
  let passed = 0
  const go = (bytes: number): void => {
    for (let more = bytes; more > 0; more = down.take(50)) passed += more
  }
  down.onGrant = go
  go(down.take(50))
  clock.advance(seconds * 1000)
  return passed
}

describe('a lane whose user stands apart from the node', () => {
  it('has no limiter where neither is limited', () => {
    const { down, up } = lanesOf({}).lanes
    expect([down.limiter, up.limiter]).toEqual([undefined, undefined])
  })

  it.each([
    ['the node', { node: RATE }],
    ['the user', { user: RATE }],
    ['the user, below the node', { user: RATE, node: 10 * RATE }],
    ['the node, below the user', { user: 10 * RATE, node: RATE }],
  ])('is held to %s', (_, limits) => {
    const seconds = 20
    const passed = passes(lanesOf(limits), seconds)
    expect(passed).toBeGreaterThan(seconds * RATE * 0.95)
    expect(passed).toBeLessThanOrEqual((seconds + 1) * RATE)
  })

  it('waits for nothing more once it is closed', () => {
    const { clock, lanes } = lanesOf({ node: RATE })
    const granted: number[] = []
    lanes.down.onGrant = (bytes) => granted.push(bytes)
    while (lanes.down.take(100) > 0);
    lanes.down.close()
    clock.advance(10_000)
    expect(granted).toEqual([])
  })
})
