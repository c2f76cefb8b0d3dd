import { Flow } from '@sluice/metrics'
import { ManualClock, Shaper } from '@sluice/ratelimit'
import type { Limits } from '@sluice/userstore'
import { describe, expect, it } from 'vitest'
import { Account } from './account.ts'
import type { ErrorCode } from './errors.ts'
import { LevelHolds } from './level-holds.ts'
import { userOf } from './testing/memory-store.ts'
import { userLanes, type UserLanes } from './user-lane.ts'

const clock = new ManualClock()
const accountWith = (name: string, limits: Limits = {}, over = clock): Account =>
  new Account(userOf(name, { limits }), new Shaper({}, over), { burst: 1000 }, () => {})

const visitor = (): {
  kind: 'connection'
  ip: string
  cuts: ErrorCode[]
  cut(code: ErrorCode): void
  relimit(): void
} => {
  const cuts: ErrorCode[] = []
  return { kind: 'connection', ip: '192.0.2.1', cuts, cut: (code) => void cuts.push(code), relimit: () => {} }
}

describe('a session in levels', () => {
  it('is one of the connections of each, until it has left', () => {
    const levels = [accountWith('client'), accountWith('tunnel', { connections: 1 })]
    const holds = new LevelHolds(levels, visitor(), 0)
    expect(levels.map(({ connections }) => connections)).toEqual([1, 1])
    holds[Symbol.dispose]()
    holds[Symbol.dispose]()
    expect(levels.map(({ connections }) => connections)).toEqual([0, 0])
  })

  it('is in none of them where one refuses it', () => {
    const levels = [accountWith('client'), accountWith('tunnel', { connections: 1 })]
    const holds = new LevelHolds(levels, visitor(), 0)
    expect(() => new LevelHolds(levels, visitor(), 0)).toThrow(
      expect.objectContaining({ code: 'CONNECTION_LIMIT' }),
    )
    expect(levels.map(({ connections }) => connections)).toEqual([1, 1])
    holds[Symbol.dispose]()
  })

  it('is cut with each of them', () => {
    const [client, tunnel] = [accountWith('client'), accountWith('tunnel')]
    const session = visitor()
    using _ = new LevelHolds([client, tunnel], session, 0)
    tunnel.cut('TUNNEL_REMOVED')
    client.update(userOf('client', { enabled: false }), 0)
    expect(session.cuts).toEqual(['TUNNEL_REMOVED', 'USER_DISABLED'])
  })
})

describe('lanes over levels', () => {
  const lanesOver = (levels: Account[], user = accountWith('user')): UserLanes =>
    userLanes(user, new Flow(), { levels })

  it('count for the user and for each level', () => {
    const user = accountWith('user')
    const levels = [accountWith('client'), accountWith('tunnel')]
    const { up, down } = lanesOver(levels, user)
    expect(up.limiter).toBeUndefined()
    up.count(5)
    down.count(7)
    expect([user, ...levels].map(({ flow }) => flow.read())).toEqual(
      Array.from({ length: 3 }, () => ({ up: 5, down: 7 })),
    )
  })

  it('let go what is left of the smallest quota', () => {
    const levels = [accountWith('client', { quotaBytes: 100 }), accountWith('tunnel', { quotaBytes: 60 })]
    const { up } = lanesOver(levels)
    expect(up.take(80)).toBe(60)
    up.count(60)
    expect(up.take(80)).toBe(0)
    expect(levels[0]?.quota.remaining).toBe(40)
  })

  it('get a limiter when a level gets a limit', () => {
    const level = accountWith('tunnel')
    const { up } = lanesOver([level])
    level.update(userOf('tunnel', { limits: { up: 1000 } }), 0)
    up.relimit()
    expect(up.limiter).toBe(up)
  })

  it('go as fast as the slowest level', () => {
    const over = new ManualClock()
    const levels = [accountWith('client', { up: 5000 }, over), accountWith('tunnel', { up: 2000 }, over)]
    const { up } = lanesOver(levels, accountWith('user', { up: 9000 }, over))
    let passed = 0
    const go = (bytes: number): void => {
      for (let more = bytes; more > 0; more = up.take(50)) passed += more
    }
    up.onGrant = go
    go(up.take(50))
    over.advance(100_000)
    expect(passed / 100).toBeGreaterThan(1980)
    expect(passed / 100).toBeLessThan(2030)
  })
})
