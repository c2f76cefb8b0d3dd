import { Flow } from '@sluice/metrics'
import { defaultBurst, ManualClock, type Share, Shaper, type ShareLimits } from '@sluice/ratelimit'
import type { Limits } from '@sluice/userstore'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Account, type Held } from './account.ts'
import { CircuitLane, type CircuitLanes, circuitLanes } from './circuit-lane.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'
import { type UserLanes, userLanes } from './user-lane.ts'

const MB = 1_000_000
const KB = 1000
const CHUNK = 65_536

/** A session of a user at one end. */
class End implements Held {
  readonly kind = 'connection'
  readonly ip = '192.0.2.1'
  readonly account: Account
  readonly flow: Flow = new Flow()
  readonly lanes: UserLanes
  held = undefined
  code: string | undefined = undefined

  constructor(account: Account) {
    this.account = account
    account.enter(this, 0)
    this.lanes = userLanes(account, this.flow)
  }

  cut(code: string): void {
    this.code ??= code
  }

  relimit(): void {
    this.lanes.up.relimit()
    this.lanes.down.relimit()
  }
}

/** What a relay does with a circuit whose ends always have more to send, until one of its sessions is cut. */
class Circuit {
  readonly source: End
  readonly destination: End
  readonly lanes: CircuitLanes
  readonly moved = { up: 0, down: 0 }
  readonly #clock: ManualClock

  constructor(clock: ManualClock, source: Account, destination: Account, more: readonly Share[] = []) {
    this.#clock = clock
    this.source = new End(source)
    this.destination = new End(destination)
    this.lanes = circuitLanes(this.source, this.destination, more)
  }

  send(direction: 'up' | 'down'): this {
    const lane = this.lanes[direction]
    let left = CHUNK
    const put = (bytes: number): void => {
      if (!Number.isInteger(bytes) || bytes < 1 || bytes > left)
        throw new Error(`granted ${bytes} of ${left}`)
      left -= bytes
      this.moved[direction] += bytes
      lane.count(bytes)
    }
    const go = (): void => {
      while (!this.isOver) {
        const bytes = lane.limiter === undefined ? left : lane.limiter.take(left)
        if (bytes === 0) return
        put(bytes)
        if (left > 0) continue
        left = CHUNK
        this.#clock.after(lane.limiter === undefined ? 1 : 0, go)
        return
      }
    }
    lane.onGrant = (bytes): void => {
      put(bytes)
      if (left === 0) left = CHUNK
      go()
    }
    go()
    return this
  }

  get isOver(): boolean {
    return (this.source.code ?? this.destination.code) !== undefined
  }

  close(): void {
    for (const lane of [this.lanes.up, this.lanes.down]) lane.close()
    for (const { lanes } of [this.source, this.destination]) {
      lanes.up.close()
      lanes.down.close()
    }
  }
}

describe('a circuit', () => {
  let clock: ManualClock
  let users: Shaper
  let node: Shaper

  beforeEach(() => {
    clock = new ManualClock()
    users = new Shaper({}, clock)
    node = new Shaper({}, clock)
  })

  const account = (name: string, limits: Limits = {}): Account =>
    new Account(userOf(name, { limits }), users, {}, () => {})
  const limited = (rate: number): ShareLimits => {
    const limit = { rate, burst: defaultBurst(rate) }
    return { up: limit, down: limit }
  }
  const circuit = (source: Account, destination: Account, own?: Share): Circuit =>
    new Circuit(clock, source, destination, [node.user(source.user.id), ...(own ? [own] : [])])

  /** Bytes per second of each, once they have settled. */
  const paces = (circuits: readonly Circuit[], ms = 5000): number[] => {
    clock.advance(3000)
    const before = circuits.map(({ moved }) => moved.up + moved.down)
    clock.advance(ms)
    return circuits.map(({ moved }, nth) => ((moved.up + moved.down - before[nth]!) * 1000) / ms)
  }
  const near = (actual: number, wanted: number): void =>
    expect(actual / wanted, `${actual} for ${wanted}`).toSatisfy(
      (ratio: number) => Math.abs(ratio - 1) <= 0.01,
    )

  it('has no limiter while nobody limits it, and one from the moment when somebody does', () => {
    const [ada, bob] = [account('ada', { down: MB }), account('bob')]
    const own = new Shaper({}, clock).user('own')
    const { lanes } = circuit(ada, bob, own)
    expect([lanes.up.limiter, lanes.down.limiter]).toEqual([undefined, lanes.down])
    own.set(limited(MB))
    expect(lanes.up.limiter).toBe(lanes.up)
    const other = circuit(ada, bob)
    expect(other.lanes.up.limiter).toBeUndefined()
    bob.update(userOf('bob', { limits: { quotaBytes: 100 } }), 0)
    expect(other.lanes.up.limiter?.take(200)).toBe(100)
  })

  it('counts for both sessions and both users, up from source to destination', () => {
    const [ada, bob] = [account('ada'), account('bob')]
    const { lanes, source, destination } = circuit(ada, bob)
    lanes.up.count(5)
    lanes.down.count(7)
    const both = { up: 5, down: 7 }
    expect([source.flow, destination.flow, ada.flow, bob.flow].map((flow) => flow.read())).toEqual(
      Array.from({ length: 4 }, () => both),
    )
  })

  it('of one user with himself counts once for him, and is limited once', () => {
    const ada = account('ada', { up: MB })
    const own = circuit(ada, ada).send('up')
    const [pace] = paces([own])
    near(pace!, MB)
    const { up } = own.moved
    expect([own.source.flow, own.destination.flow, ada.flow].map((flow) => flow.read().up)).toEqual([
      up,
      up,
      up,
    ])
  })

  it.each([
    ['source', { up: MB }, { up: 2 * MB }],
    ['destination', { up: 2 * MB }, { up: MB }],
    ['both alike', { up: MB }, { total: MB }],
  ])('goes at the pace of its %s where that is slower', (_which, source, destination) => {
    near(paces([circuit(account('ada', source), account('bob', destination)).send('up')])[0]!, MB)
  })

  it('has both directions of one total between its ends', () => {
    const both = circuit(account('ada', { total: 3 * MB }), account('bob', { up: MB, down: 5 * MB }))
    both.send('up').send('down')
    near(paces([both])[0]!, 3 * MB)
    near(both.moved.up / clock.now(), MB / 1000)
  })

  it('passes the node once: between limited users all of it is used, in equal parts', () => {
    node.set(limited(10 * MB))
    const circuits = Array.from({ length: 20 }, (_, nth) =>
      circuit(account(`a${nth}`, { up: 2 * MB }), account(`b${nth}`, { total: 3 * MB })).send('up'),
    )
    const got = paces(circuits)
    near(
      got.reduce((sum, pace) => sum + pace, 0),
      10 * MB,
    )
    for (const pace of got) near(pace, MB / 2)
  })

  it('shares the node with others by users', () => {
    node.set(limited(10 * MB))
    const [ada, bob, eve] = [account('ada'), account('bob'), account('eve', { down: 100 * KB })]
    const circuits = [circuit(ada, bob), circuit(ada, bob), circuit(bob, ada)].map((each) =>
      each.send('down'),
    )
    const slow = circuit(bob, eve).send('down')
    const [first, second, third, fourth] = paces([...circuits, slow])
    near(fourth!, 100 * KB)
    near(first!, 2.5 * MB)
    near(second!, 2.5 * MB)
    near(third!, 4.9 * MB)
  })

  it('obeys what changes while it runs: users, node and its own limit', () => {
    const [ada, bob] = [account('ada'), account('bob', { up: 4 * MB })]
    const own = new Shaper({}, clock).user('own', limited(8 * MB))
    const one = circuit(ada, bob, own).send('up')
    near(paces([one])[0]!, 4 * MB)
    ada.update(userOf('ada', { limits: { up: MB } }), 0)
    near(paces([one])[0]!, MB)
    own.set(limited(100 * KB))
    near(paces([one])[0]!, 100 * KB)
    own.set({})
    ada.update(userOf('ada'), 0)
    near(paces([one])[0]!, 4 * MB)
    bob.update(userOf('bob'), 0)
    node.set(limited(2 * MB))
    near(paces([one])[0]!, 2 * MB)
  })

  it('leaves no timer behind when all is closed', () => {
    node.set(limited(MB))
    const one = circuit(account('ada', { up: MB }), account('bob', { up: 10 * KB })).send('up')
    clock.advance(5000)
    one.close()
    const { up } = one.moved
    clock.advance(60_000)
    expect([one.moved.up, clock.timers]).toEqual([up, 0])
  })

  it('tells nobody of a grant for which there is no quota any more', () => {
    const [ada, bob] = [account('ada', { quotaBytes: 1000 }), account('bob', { up: 1000, burst: 1 })]
    const lane = new CircuitLane('up', new End(ada), new End(bob))
    const told: number[] = []
    lane.onGrant = (bytes): void => void told.push(bytes)
    while (lane.take(900) > 0);
    ada.count('up', 990)
    clock.advance(10_000)
    expect(told).toEqual([10])
    expect(lane.take(900)).toBe(10)
    ada.count('up', 10)
    expect(lane.take(900)).toBe(0)
  })

  it('uses the quota of either user up to the last byte and not beyond, however many have it together', async () => {
    const quota = fc.option(fc.integer({ min: 1, max: 2 * MB }), { nil: undefined })
    const rate = fc.option(fc.integer({ min: 10 * KB, max: 10 * MB }), { nil: undefined })
    const limits = fc.record({ quotaBytes: quota, up: rate, total: rate })
    const pairs = fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.constantFrom('up', 'down')), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(fc.tuple(limits, limits, limits), pairs, async (all, ends) => {
        clock = new ManualClock()
        users = new Shaper({}, clock)
        node = new Shaper(limited(5 * MB), clock)
        const accounts = all.map((each, nth) =>
          account(
            `${nth}`,
            Object.fromEntries(Object.entries(each).filter(([, value]) => value !== undefined)),
          ),
        )
        const circuits = ends.map(([from, to, direction]) => ({
          one: circuit(accounts[from]!, accounts[to]!),
          direction,
        }))
        for (const { one, direction } of circuits) one.send(direction)
        await settled()
        for (let seconds = 0; seconds < 60; seconds += 1) {
          clock.advance(1000)
          await Promise.resolve()
        }
        await settled()
        for (const each of accounts) {
          const { quotaBytes = Infinity } = each.user.limits
          expect(each.used).toBeLessThanOrEqual(quotaBytes)
          const mine = circuits.filter(({ one }) =>
            [one.source, one.destination].some((end) => end.account === each),
          )
          const moved = mine.reduce((sum, { one, direction }) => sum + one.moved[direction], 0)
          expect(each.used).toBe(moved)
          if (each.used === quotaBytes) expect(mine.every(({ one }) => one.isOver)).toBe(true)
        }
        for (const { one } of circuits) one.close()
        clock.advance(60_000)
        expect(clock.timers).toBe(0)
      }),
      { numRuns: 25 },
    )
  })
})
