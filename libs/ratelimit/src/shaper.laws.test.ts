import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from './clock.ts'
import { Shaper } from './shaper.ts'
import type { Direction } from './shaped-flow.ts'
import type { ShareLimits } from './share-credits.ts'
import { LateClock } from './testing/late-clock.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { jain, Meter } from './testing/meter.ts'
import { randomOf } from './testing/random.ts'
import { Sender, type SenderOptions } from './testing/sender.ts'
import { defaultBurst, type Limit } from './token-bucket.ts'

// What the shaper promises, for flows that ask again from within a grant and for those that come back a turn of the
// event loop later, as the lanes of a relay do.

const KB = 1000
const MB = 1_000_000

const limit = (rate: number, burst = defaultBurst(rate)): Limit => ({ rate, burst })
const burstOf = ({ rate, burst }: Limit): number => Math.max(burst, rate / 20, 1)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const again = ['sync', 0] as const
const chunks = [65_536, 16_384, 4096, 1400]

/** Senders that start one after another in one instant, under one node limit. */
class World {
  readonly clock: ManualClock = new ManualClock()
  readonly #seen: Clock
  readonly shaper: Shaper
  readonly senders: Sender[][] = []

  constructor(node: ShareLimits = {}, lateMs?: () => number) {
    this.#seen = lateMs ? new LateClock(this.clock, lateMs) : this.clock
    this.shaper = new Shaper(node, this.#seen)
  }

  user(
    limits: ShareLimits,
    flows: number,
    options: SenderOptions | ((i: number) => SenderOptions) = {},
  ): Sender[] {
    const share = this.shaper.user(String(this.senders.length), limits)
    const senders = Array.from(
      { length: flows },
      (_, i) => new Sender(share, this.clock, typeof options === 'function' ? options(i) : options),
    )
    this.senders.push(senders)
    return senders
  }

  /** Bytes of each sender while time goes on. */
  during(ms: number): number[][] {
    const before = this.senders.map((senders) => senders.map(({ bytes }) => bytes))
    this.clock.advance(ms)
    return this.senders.map((senders, i) => senders.map(({ bytes }, j) => bytes - before[i]![j]!))
  }

  /** Bytes per second of each user, once they have settled. */
  paces(ms = 4000): number[] {
    this.clock.advance(2000)
    return this.during(ms).map((bytes) => (sum(bytes) * 1000) / ms)
  }
}

const near = (actual: number, wanted: number, percent = 1): void =>
  expect(actual / wanted, `${actual} for ${wanted}`).toSatisfy(
    (ratio: number) => Math.abs(ratio - 1) <= percent / 100,
  )

describe.each(again)('flows that ask again: %s', (again) => {
  describe.each([1, 100, 64 * KB, MB, 100 * MB, 10_000 * MB])('at %d bytes/s', (rate) => {
    it.each([1, 10])(
      '%d flows get all of it, never more than the burst ahead, never much behind',
      (flows) => {
        const world = new World()
        const meter = new Meter(world.clock, rate)
        const { burst } = limit(rate, rate / 4)
        world.user({ down: { rate, burst } }, flows, (i) => ({
          again,
          chunk: chunks[i % 4]!,
          meters: [meter],
        }))
        const start = burstOf({ rate, burst }) / 4
        // What one is woken for, the timer, and bytes that are too few for a write.
        const slice = Math.max((rate * 10) / 1000, Math.min(4096, (rate * 40) / 1000))
        const behind = slice + (rate * 6) / 1000 + Math.min(64, rate / 10) + 1
        const steps = rate < KB ? 300 : rate > 1000 * MB ? 100 : 1000
        for (let i = 1; i <= steps; i++) {
          world.clock.advance(rate < KB ? 1000 : 5)
          const due = start + (world.clock.now() * rate) / 1000
          expect(meter.bytes).toBeLessThanOrEqual(due * (1 + 1e-9))
          expect(meter.bytes).toBeGreaterThanOrEqual(due - behind)
        }
        expect(meter.burst).toBeLessThanOrEqual(burstOf({ rate, burst }) * (1 + 1e-9))
      },
    )
  })

  it('the error does not grow with time', () => {
    const world = new World()
    const [sender] = world.user({ down: limit(MB) }, 1, { again })
    for (let minutes = 1; minutes <= 5; minutes++) {
      world.clock.advance(60_000)
      const due = limit(MB).burst / 4 + minutes * 60 * MB
      expect(due - sender!.bytes).toBeGreaterThanOrEqual(0)
      expect(due - sender!.bytes).toBeLessThanOrEqual(0.012 * MB)
    }
  })

  describe('shares of one user', () => {
    it.each([
      [64 * KB, 10],
      [MB, 2],
      [MB, 100],
      [10 * MB, 10],
      [100 * MB, 2],
      [100 * MB, 10],
    ])('%d bytes/s over %d flows with chunks of all sizes are equal', (rate, flows) => {
      const world = new World()
      world.user({ down: limit(rate) }, flows, (i) => ({ again, chunk: chunks[i % 4]! }))
      world.clock.advance(3000)
      const [bytes] = world.during(Math.max(3000, (flows * 100_000_000) / rate))
      expect(jain(bytes!)).toBeGreaterThan(0.999)
    })

    it.each([MB, 10 * MB, 100 * MB])('%d bytes/s over both directions are shared by flows', (rate) => {
      const world = new World()
      world.user({ total: limit(rate) }, 4, (i) => ({
        again,
        chunk: chunks[i]!,
        direction: i === 1 ? 'down' : 'up',
      }))
      world.clock.advance(2000)
      const [bytes] = world.during(4000)
      expect(jain(bytes!)).toBeGreaterThan(0.999)
      near(sum(bytes!), rate * 4)
    })
  })

  describe('shares of users', () => {
    it.each(['down', 'up', 'total'] as const)('do not depend on the number of flows: %s', (key) => {
      for (const rate of [MB, 10 * MB, 100 * MB]) {
        for (const chunk of [65_536, 16_384]) {
          const world = new World({ [key]: limit(rate) })
          const direction = (i: number): Direction =>
            key === 'total' ? (['up', 'down'] as const)[i % 2]! : key
          const flows = key === 'total' ? 2 : 1
          world.user({}, 50 * flows, (i) => ({ again: 'sync', direction: direction(i) }))
          world.user({}, flows, (i) => ({ again, chunk, direction: direction(i) }))
          for (const pace of world.paces()) near(pace, rate / 2)
        }
      }
    })

    it('count for those with limits of their own too, above or below their share', () => {
      for (const rate of [100 * KB, 400 * KB, 500 * KB]) {
        const world = new World({ down: limit(MB) })
        world.user({ weight: 0.5, down: limit(rate) }, 1, { again: 'sync' })
        world.user({}, 1, { again, chunk: 4096 })
        near(world.paces()[0]!, Math.min(rate, MB / 3), 2)
      }
    })

    it('do not depend on the number of directions under a limit of their sum', () => {
      const world = new World({ total: limit(10 * MB) })
      world.user({}, 4, { again })
      world.user({}, 2, (i) => ({ again, direction: i === 0 ? 'up' : 'down' }))
      for (const pace of world.paces()) near(pace, 5 * MB)
      const [, [up, down] = []] = world.during(4000)
      near(up!, down!)
    })

    it('are as their weights', () => {
      const world = new World({ down: limit(10 * MB) })
      world.user({ weight: 1 }, 5, { again })
      world.user({ weight: 3 }, 1, { again, chunk: 16_384 })
      world.user({ weight: 0.5 }, 2, { again: 'sync' })
      const [one, three, half] = world.paces()
      near(one!, (10 * MB) / 4.5)
      near(three!, (30 * MB) / 4.5)
      near(half!, (5 * MB) / 4.5)
    })

    it('in each direction hold where their sum is limited too', () => {
      const world = new World({ up: limit(MB), total: limit(10 * MB) })
      world.user({}, 50, { again, direction: 'up' })
      world.user({}, 2, (i) => ({ again, direction: i === 0 ? 'up' : 'down' }))
      const [many, few] = world.paces()
      near(many!, MB / 2)
      near(few!, 9.5 * MB)
    })
  })

  describe('shares of directions', () => {
    it('of one user make up the whole, at any rate', () => {
      const world = new World()
      world.user({ total: limit(300 * MB) }, 2, (i) => ({ again, direction: i === 0 ? 'up' : 'down' }))
      world.clock.advance(2000)
      for (const bytes of world.during(2000)[0]!) near(bytes, 300 * MB)
    })

    it('of the node, where each has a limit and their sum has one too, are as their users', () => {
      const world = new World({ up: limit(9 * MB), down: limit(9 * MB), total: limit(10 * MB) })
      world.user({}, 3, { again, direction: 'up' })
      world.user({}, 1, { again })
      for (const pace of world.paces()) near(pace, 5 * MB)
    })
  })

  describe('credit is not left lying', () => {
    it('by users who want less than their share, or may have less', () => {
      const world = new World({ down: limit(30 * MB) })
      world.user({ down: limit(50 * KB) }, 1, { again })
      world.user({ down: limit(MB) }, 3, { again })
      for (let i = 0; i < 20; i++) world.user({}, 1, { again: 5, chunk: 1400 })
      world.user({}, 1, { again })
      const paces = world.paces()
      near(paces[0]!, 50 * KB)
      near(paces[1]!, MB)
      // Each chunk of theirs waits for the timer.
      expect(paces[5]!).toBeGreaterThan(150 * KB)
      near(sum(paces), 30 * MB)
    })

    it.each([MB, 10 * MB, 100 * MB])('by flows that trickle: %d bytes/s', (rate) => {
      const world = new World()
      world.user({ down: limit(rate) }, 21, (i) => (i === 0 ? { again } : { again: 20 + i, chunk: 200 }))
      near(world.paces()[0]!, rate)
    })

    it('by a user who stops', () => {
      const world = new World({ down: limit(MB) })
      const [first] = [world.user({}, 3, { again }), world.user({}, 1, { again })]
      near(world.paces()[1]!, MB / 2)
      for (const sender of first) sender.close()
      world.clock.advance(20)
      near(world.during(2000)[1]![0]! / 2, MB)
    })

    it('by one direction for the other', () => {
      const world = new World({ up: limit(100 * MB), down: limit(MB) })
      world.user({}, 5, { again })
      world.user({}, 1, { again, direction: 'up' })
      near(world.paces()[1]!, 100 * MB)
      // Not even where one will never come.
      const stopped = new World({ down: limit(0, 1) })
      stopped.user({ up: limit(5 * MB) }, 2, (i) => ({ again, direction: i === 0 ? 'up' : 'down' }))
      near(stopped.paces()[0]!, 5 * MB)
    })

    it('by what one direction does not use of the sum', () => {
      const world = new World()
      const [up, down] = world.user({ down: limit(MB), total: limit(10 * MB) }, 2, (i) => ({
        again,
        direction: i === 0 ? 'up' : 'down',
      }))
      world.clock.advance(2000)
      const before = [up!.bytes, down!.bytes] as const
      world.clock.advance(4000)
      near(up!.bytes - before[0], 36 * MB)
      near(down!.bytes - before[1], 4 * MB)
    })

    it('by one direction that waits for the other, though that waits for something else', () => {
      const world = new World({ up: limit(5 * MB, 0) })
      const [down, up] = world.user({ total: limit(50 * MB, MB) }, 2, (i) =>
        i === 0 ? { again } : { again: 0, direction: 'up', chunk: 1400 },
      )
      world.clock.advance(1000)
      const before = [down!.bytes, up!.bytes] as const
      world.clock.advance(2000)
      near(down!.bytes - before[0], 90 * MB)
      near(up!.bytes - before[1], 10 * MB)
    })

    it('by directions that wait for one another, at two levels', () => {
      const world = new World({ down: limit(50 * KB, 0), total: limit(50 * KB, 0) })
      world.user({ total: limit(50 * KB, 0) }, 3, (i) => ({ again, direction: i === 0 ? 'down' : 'up' }))
      world.user({}, 1, { again })
      near(sum(world.paces()), 50 * KB)
    })

    it('by users of a node that limits each direction, with limits of their own for the sum', () => {
      const world = new World({ up: limit(10 * MB), down: limit(10 * MB) })
      for (const flows of [2, 10]) {
        world.user({ total: limit(8 * MB) }, flows, (i) => ({ again, direction: i % 2 ? 'up' : 'down' }))
      }
      for (const pace of world.paces()) near(pace, 8 * MB)
    })
  })

  it('thousands of idle flows take nothing from one that is not', () => {
    const grantsAmong = (idle: number): number => {
      const world = new World({ down: limit(50 * MB) })
      const share = world.shaper.user('0', { down: limit(10 * MB) })
      for (let i = 0; i < idle; i++) share.flow('down', () => {})
      const [sender] = world.user({}, 1, { again, chunk: 262_144 })
      world.clock.advance(3000)
      near(sender!.bytes, 30 * MB, 3)
      return sender!.grants
    }
    expect(grantsAmong(5000)).toBe(grantsAmong(0))
  })

  it('conns that come and go get no burst each', () => {
    const world = new World({ down: limit(10 * MB) })
    const share = world.shaper.user('alice', { down: limit(MB) })
    const meter = new Meter(world.clock, MB)
    for (let i = 0; i < 2000; i++) {
      const sender = new Sender(share, world.clock, { again, meters: [meter] })
      world.clock.advance(i % 7)
      sender.close()
    }
    expect(meter.burst).toBeLessThanOrEqual(limit(MB).burst)
    near(meter.bytes, limit(MB).burst / 4 + (world.clock.now() / 1000) * MB)
  })

  describe('timers that come 5 to 60 ms late', () => {
    it.each([64 * KB, MB, 10 * MB, 100 * MB])('cost nothing and make no spikes: %d bytes/s', (rate) => {
      for (const flows of [1, 10]) {
        const random = randomOf(flows)
        const world = new World({}, () => 5 + 55 * random())
        const meter = new Meter(world.clock, rate)
        const { burst } = limit(rate)
        world.user({ down: { rate, burst } }, flows, (i) => ({
          again,
          chunk: chunks[i % 2]!,
          meters: [meter],
        }))
        world.clock.advance(5000)
        meter.watch(100)
        const before = meter.bytes
        world.clock.advance(20_000)
        near(meter.bytes - before, 20 * rate)
        expect(meter.fullest / (rate / 10)).toBeLessThanOrEqual(1.45)
        expect(meter.burst).toBeLessThanOrEqual(burst * (1 + 1e-9))
      }
    })

    it('leave shares equal', () => {
      const random = randomOf(3)
      const world = new World({ down: limit(10 * MB) }, () => 5 + 55 * random())
      world.user({}, 50, { again: 'sync' })
      world.user({}, 1, { again, chunk: 16_384 })
      for (const pace of world.paces(10_000)) near(pace, 5 * MB, 2)
    })
  })
})

describe('backlogged flows differ by at most two quanta', () => {
  const quantumOf = (rate: number, flows: number): number =>
    Math.min(65_536, Math.max(64, Math.floor(rate / 10 / (flows + 1))))

  it.each([
    [64 * KB, 2],
    [64 * KB, 30],
    [64 * KB, 1000],
    [MB, 100],
    [10 * MB, 10],
    [10 * MB, 1000],
    [100 * MB, 2],
    [100 * MB, 300],
  ])('of one user: %d bytes/s, %d flows', (rate, flows) => {
    const world = new World()
    world.user({ down: limit(rate) }, flows, (i) => ({ chunk: chunks[i % 4]! }))
    const quantum = quantumOf(rate, flows)
    // The turns of the first round are of all sizes.
    world.clock.advance(2000 + (4 * flows * quantum * 1000) / rate)
    let bytes = Array.from({ length: flows }, () => 0)
    for (let i = 0; i < 20; i++) {
      const more = world.during(137)[0]!
      bytes = bytes.map((before, j) => before + more[j]!)
      expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThanOrEqual(2 * quantum)
    }
    expect(sum(bytes)).toBeGreaterThan(2 * rate)
  })

  it.each([
    [MB, 2],
    [10 * MB, 30],
    [100 * MB, 300],
  ])('or users of the node: %d bytes/s, %d users', (rate, users) => {
    const world = new World({ down: limit(rate) })
    for (let i = 0; i < users; i++) world.user({}, 1 + (i % 3), { chunk: chunks[i % 4]! })
    const quantum = quantumOf(rate, users)
    world.clock.advance(2000 + (4 * users * quantum * 1000) / rate)
    let bytes = Array.from({ length: users }, () => 0)
    for (let i = 0; i < 20; i++) {
      const more = world.during(137).map(sum)
      bytes = bytes.map((before, j) => before + more[j]!)
      expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThanOrEqual(2 * quantum)
    }
  })
})

it('a new flow goes before those who wait', () => {
  const world = new World()
  world.user({ down: limit(MB) }, 200, { again: 0 })
  world.clock.advance(5000)
  const share = world.shaper.user('0')
  let at = Infinity
  const flow = share.flow('down', () => (at = world.clock.now()))
  if (flow.take(400) > 0) at = world.clock.now()
  world.clock.advance(1000)
  expect(at).toBeLessThanOrEqual(5012)
})

it.each([1, 2, 10])('at %d bytes/s with a burst of nothing the first grant comes within a second', (rate) => {
  const world = new World()
  const [sender] = world.user({ down: limit(rate, 0) }, 1)
  world.clock.advance(1000)
  expect(sender!.bytes).toBeGreaterThanOrEqual(1)
})

describe('whatever the limits, the flows and the clock', () => {
  const limits = fc.record(
    {
      up: fc.constantFrom(limit(20 * KB, 0), limit(MB), limit(40 * MB, 0)),
      down: fc.constantFrom(limit(64 * KB), limit(3 * MB, 0), limit(30 * MB)),
      total: fc.constantFrom(limit(10 * KB), limit(2 * MB), limit(50 * MB, MB)),
    },
    { requiredKeys: [] },
  )
  const nodeLimits = fc.record(
    {
      up: fc.constantFrom(limit(5 * MB, 0)),
      down: fc.constantFrom(limit(20 * MB)),
      total: fc.constantFrom(limit(8 * MB)),
    },
    { requiredKeys: [] },
  )
  const flow = fc.record({
    direction: fc.constantFrom<Direction>('up', 'down'),
    chunk: fc.constantFrom(...chunks, 1_000_000),
    again: fc.constantFrom<number | 'sync'>('sync', 0),
  })
  const user = fc.record({ limits, flows: fc.array(flow, { minLength: 1, maxLength: 5 }) })
  const users = fc.array(user, { minLength: 1, maxLength: 4 })

  const metersOf = (clock: Clock, { up, down, total }: ShareLimits) => {
    const bucketOf = (of: Limit | undefined) => of && { of, meter: new Meter(clock, of.rate) }
    const buckets = { up: bucketOf(up), down: bucketOf(down), total: bucketOf(total) }
    return (direction: Direction) =>
      [buckets[direction], buckets.total].filter((bucket) => bucket !== undefined)
  }
  type Buckets = ReturnType<ReturnType<typeof metersOf>>

  /** The senders of a world, each with the buckets that it draws on. */
  function start(
    world: World,
    node: ShareLimits,
    all: { limits: ShareLimits; flows: SenderOptions[] }[],
  ): Buckets[] {
    const ofNode = metersOf(world.clock, node)
    return all.flatMap(({ limits, flows }, id) => {
      const share = world.shaper.user(String(id), limits)
      const ofUser = metersOf(world.clock, limits)
      const limited = flows.filter(({ direction = 'down' }) => share.limited(direction))
      return limited.map((options) => {
        const { direction = 'down' } = options
        const buckets = [...ofUser(direction), ...ofNode(direction)]
        const sender = new Sender(share, world.clock, {
          ...options,
          meters: buckets.map(({ meter }) => meter),
        })
        expect(sender.flow.side.credits).toHaveLength(buckets.length)
        return buckets
      })
    })
  }

  it('no window of any bucket carries more than burst + rate × W', () => {
    fc.assert(
      fc.property(nodeLimits, users, fc.constantFrom(0, 5, 100), fc.nat(), (node, all, lateMs, seed) => {
        const random = randomOf(seed)
        const world = new World(node, () => lateMs * random())
        const used = start(world, node, all)
        world.clock.advance(1000)
        for (const { of, meter } of used.flat())
          expect(meter.burst).toBeLessThanOrEqual(burstOf(of) * (1 + 1e-9))
      }),
      { numRuns: 50 },
    )
  })

  it('whoever waits, waits for a bucket that is used up', () => {
    fc.assert(
      fc.property(nodeLimits, users, (node, all) => {
        const world = new World(node)
        const used = start(world, node, all)
        world.clock.advance(1000)
        const meters = new Set(used.flat().map(({ meter }) => meter))
        const before = new Map([...meters].map((meter) => [meter, meter.bytes]))
        world.clock.advance(2000)
        for (const buckets of used) {
          const use = buckets.map(({ of, meter }) => (meter.bytes - before.get(meter)!) / (2 * of.rate))
          expect(Math.max(...use)).toBeGreaterThan(0.97)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('users have what is fair by their weights: what one may not use is for the others', () => {
    const rate = fc.constantFrom(undefined, 64 * KB, 500 * KB, 2 * MB, 20 * MB)
    const weight = fc.constantFrom(0.5, 1, 1, 2)
    const flows = fc.array(fc.record({ chunk: fc.constantFrom(...chunks.slice(0, 3)), again: fc.constantFrom(...again) }), { minLength: 1, maxLength: 6 }) // prettier-ignore
    const many = fc.array(fc.record({ rate, weight, flows }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(fc.constantFrom(MB, 10 * MB, 50 * MB), many, (nodeRate, all) => {
        const world = new World({ down: limit(nodeRate) })
        for (const { rate, weight, flows } of all) {
          world.user({ weight, ...(rate && { down: limit(rate) }) }, flows.length, (i) => flows[i]!)
        }
        const fair = fairRates(nodeRate, all)
        for (const [i, pace] of world.paces(5000).entries()) {
          expect(pace).toBeGreaterThan(0.9 * fair[i]!)
          // A bucket may have been full at the start.
          expect(pace).toBeLessThan(1.04 * fair[i]! + burstOf(limit(all[i]!.rate ?? 0)) / 5)
        }
      }),
      { numRuns: 30 },
    )
  })
})

/** Max-min fairness: the level at which all who are not held back by less are equal, by weight. */
function fairRates(node: number, users: { rate: number | undefined; weight: number }[]): number[] {
  const rates = users.map(({ rate = Infinity }) => rate)
  let held = new Set<number>()
  for (;;) {
    const left = node - sum([...held].map((i) => rates[i]!))
    const weights = sum(users.map(({ weight }, i) => (held.has(i) ? 0 : weight)))
    const level = weights === 0 ? Infinity : left / weights
    const now = new Set([...users.keys()].filter((i) => held.has(i) || rates[i]! <= level * users[i]!.weight))
    if (now.size === held.size)
      return users.map(({ weight }, i) => (held.has(i) ? rates[i]! : level * weight))
    held = now
  }
}
