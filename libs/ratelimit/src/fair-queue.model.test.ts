import * as fc from 'fast-check'
import { setImmediate as settled } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'
import { QueueError } from './queue-error.ts'
import type { QueueLimits, QueueSlot } from './queue-types.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { chance } from './testing/queue-simulation.ts'

// Anything may happen to a queue in any order; after each step, what its visitors were told must add up to what it
// says of itself, and to a model that is nothing but a list of visitors and the rules.

type Visitor = {
  user: string
  client: string
  priority: number
  bytes: number
  since: number
  abort: AbortController
  state: 'coming' | 'waiting' | 'inside' | 'left' | 'gone'
  /** What the visitor was told; more than one answer is a failure of its own. */
  told: string[]
  slot?: QueueSlot
}

type World = {
  clock: ManualClock
  queue: FairQueue
  limits: QueueLimits
  visitors: Visitor[]
  /** In the order in which they were told, since the last step. */
  news: Visitor[]
}

type Step =
  | { do: 'enter'; user: string; client: string; priority: number; bytes: number }
  | { do: 'leave' | 'abort'; pick: number }
  | { do: 'advance'; ms: number }
  | { do: 'set'; limits: Partial<QueueLimits> }

const WEIGHTS: Record<string, number> = { a: 1, b: 2, c: 1, d: 0.5 }
const weightOf = ({ user }: Pick<Visitor, 'user'>): number => WEIGHTS[user] ?? 1

const bounds = {
  slots: fc.nat({ max: 5 }),
  maxWaiting: fc.nat({ max: 9 }),
  maxWaitingBytes: fc.nat({ max: 40 }),
  timeoutMs: fc.integer({ min: 1, max: 200 }),
}
const boundless = { maxWaiting: Infinity, maxWaitingBytes: Infinity, timeoutMs: Infinity }
const allLimits: fc.Arbitrary<QueueLimits> = fc.record(bounds)
const picks = fc.nat()
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('enter'),
      user: fc.constantFrom('a', 'a', 'a', 'a', 'a', 'b', 'c', 'd'),
      client: fc.constantFrom('x', 'y'),
      priority: fc.nat({ max: 2 }),
      bytes: fc.oneof(fc.constant(0), fc.nat({ max: 15 })),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('leave'), pick: picks }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort'), pick: picks }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.integer({ min: 0, max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('set'), limits: fc.record(bounds, { requiredKeys: [] }) }),
  },
)

const inState = ({ visitors }: Pick<World, 'visitors'>, ...states: Visitor['state'][]): Visitor[] =>
  visitors.filter(({ state }) => states.includes(state))
const ofUser = (visitors: Visitor[], user: string): Visitor[] =>
  visitors.filter((visitor) => visitor.user === user)
const sumOfBytes = (visitors: Visitor[]): number => visitors.reduce((sum, { bytes }) => sum + bytes, 0)

function enter(world: World, step: Extract<Step, { do: 'enter' }>): void {
  const { user, client, priority, bytes } = step
  const ticket = { user, client, priority, bytes }
  const abort = new AbortController()
  const visitor: Visitor = { ...ticket, since: world.clock.now(), abort, state: 'coming', told: [] }
  world.visitors.push(visitor)
  const entered = world.queue.enter({ ...ticket, weight: weightOf(ticket), signal: abort.signal })
  void listen(world, visitor, entered)
}

async function listen(world: World, visitor: Visitor, entered: Promise<QueueSlot>): Promise<void> {
  try {
    visitor.slot = await entered
    visitor.told.push('slot')
  } catch (error) {
    visitor.told.push(error instanceof QueueError ? error.code : String(error))
  }
  world.news.push(visitor)
}

function act(world: World, taken: Step): void {
  switch (taken.do) {
    case 'enter':
      return enter(world, taken)
    case 'leave': {
      const inside = inState(world, 'inside', 'left')
      const visitor = inside[taken.pick % inside.length]
      if (visitor) visitor.state = 'left'
      return visitor?.slot?.[Symbol.dispose]()
    }
    case 'abort':
      return world.visitors[taken.pick % world.visitors.length]?.abort.abort('aborted')
    case 'advance':
      return world.clock.advance(taken.ms)
    case 'set':
      world.limits = { ...world.limits, ...taken.limits }
      return world.queue.set(taken.limits)
  }
}

/** One who got a slot: it was free, it was their turn in their line and by priority, and half are left to others. */
function checkStart(world: World, visitor: Visitor): void {
  const { slots } = world.limits
  const half = Math.max(1, Math.floor(slots / 2))
  const waiting = inState(world, 'waiting', 'coming')
  const inside = inState(world, 'inside')
  expect(inside.length).toBeLessThan(slots)
  const own = ofUser(waiting, visitor.user)
  expect(own.filter(({ priority }) => priority < visitor.priority)).toEqual([])
  const first = own.find((one) => one.client === visitor.client && one.priority === visitor.priority)
  expect(first).toBe(visitor)
  if (ofUser(inside, visitor.user).length < half) return
  const others = waiting.filter(({ user }) => user !== visitor.user)
  for (const { user } of others) expect(ofUser(inside, user).length).toBeGreaterThanOrEqual(half)
}

/** One who was told that there is no place: there was none, and nobody who would keep more had to give one. */
function checkFull(world: World, visitor: Visitor): void {
  const { maxWaiting, maxWaitingBytes } = world.limits
  const waiting = inState(world, 'waiting')
  const comer = world.visitors.at(-1)!
  const shares = new Map<string, number>()
  const byteShares = new Map<string, number>()
  for (const one of waiting) {
    shares.set(one.user, (shares.get(one.user) ?? 0) + 1 / weightOf(one))
    byteShares.set(one.user, (byteShares.get(one.user) ?? 0) + one.bytes / weightOf(one))
  }
  const lacksPlaces = waiting.length >= maxWaiting
  const lacksBytes = comer.bytes > 0 && sumOfBytes(waiting) + comer.bytes > maxWaitingBytes
  expect(lacksPlaces || lacksBytes).toBe(true)
  const own = ofUser(waiting, visitor.user)
  if (visitor === comer) {
    const share = (own.length + 1) / weightOf(visitor)
    const isFair = share < Math.max(...shares.values()) - 1e-9
    if (lacksPlaces && !lacksBytes && maxWaiting > 0) expect(isFair).toBe(false)
    return
  }
  expect(comer.user).not.toBe(visitor.user)
  const mine = lacksBytes ? byteShares : shares
  expect(mine.get(visitor.user)).toBeCloseTo(Math.max(...mine.values()))
  const newest = lacksBytes ? own.findLast(({ bytes }) => bytes > 0) : own.at(-1)
  expect(visitor.since).toBe(newest?.since)
  if (lacksBytes) expect(visitor).toBe(newest)
}

/** Everybody who was told something, in order. Who came last and was told nothing waits from now on. */
function follow(world: World): void {
  const refusals = world.news.filter(({ told }) => told[0] !== 'slot')
  for (const visitor of refusals) {
    const [code] = visitor.told
    const waitedMs = world.clock.now() - visitor.since
    if (code === 'QUEUE_TIMEOUT') expect(waitedMs).toBeGreaterThanOrEqual(world.limits.timeoutMs)
    else if (code === 'aborted') expect(visitor.abort.signal.aborted).toBe(true)
    else {
      expect(code).toBe('QUEUE_FULL')
      checkFull(world, visitor)
    }
    visitor.state = 'gone'
  }
  for (const visitor of world.news) {
    if (visitor.state === 'gone') continue
    checkStart(world, visitor)
    visitor.state = 'inside'
  }
  world.news = []
  for (const visitor of inState(world, 'coming')) visitor.state = 'waiting'
}

function check(world: World, before: { waiting: number; bytes: number }): void {
  const { queue, clock, limits } = world
  const inside = inState(world, 'inside')
  const waiting = inState(world, 'waiting')
  expect(world.visitors.filter(({ state, told }) => told.length !== (state === 'waiting' ? 0 : 1))).toEqual(
    [],
  )
  expect([queue.running, queue.waiting, queue.waitingBytes]).toEqual([
    inside.length,
    waiting.length,
    sumOfBytes(waiting),
  ])
  for (const user of Object.keys(WEIGHTS)) {
    const look = queue.look(user)
    expect([look.running, look.waiting]).toEqual([ofUser(inside, user).length, ofUser(waiting, user).length])
  }
  expect(waiting.length).toBeLessThanOrEqual(Math.max(limits.maxWaiting, before.waiting))
  expect(sumOfBytes(waiting)).toBeLessThanOrEqual(Math.max(limits.maxWaitingBytes, before.bytes))
  // Timers are as fine as a millisecond.
  expect(waiting.filter(({ since }) => clock.now() - since >= limits.timeoutMs + 1)).toEqual([])
  expect(clock.timers).toBe(waiting.length > 0 ? 1 : 0)
  // Only the pace keeps a slot free while somebody waits, and never below half of them.
  const isFree = inside.length < Math.max(1, Math.floor(limits.slots / 2)) && inside.length < limits.slots
  if (waiting.length > 0) expect(isFree).toBe(false)
}

const worldOf = (limits: QueueLimits): World => {
  const clock = new ManualClock()
  return { clock, queue: new FairQueue({ ...limits, clock }), limits, visitors: [], news: [] }
}

async function run(world: World, steps: Step[]): Promise<void> {
  for (const next of steps) {
    const before = { waiting: world.queue.waiting, bytes: world.queue.waitingBytes }
    act(world, next)
    await settled()
    follow(world)
    check(world, before)
  }
}

it('loses nobody, gives nobody two slots, and keeps its bounds and rules, whatever happens', async () => {
  expect.hasAssertions()
  await fc.assert(
    fc.asyncProperty(allLimits, fc.array(step, { maxLength: 120, size: 'max' }), async (limits, steps) => {
      await run(worldOf(limits), steps)
    }),
    { numRuns: 150, endOnFailure: true },
  )
})

it('leaves no slot free for long while somebody waits', async () => {
  await fc.assert(
    fc.asyncProperty(allLimits, fc.array(step, { maxLength: 120, size: 'max' }), async (limits, steps) => {
      const world = worldOf(limits)
      await run(world, steps)
      world.queue.set({ timeoutMs: 1_000_000 })
      // Nobody has ever held a slot for longer than all steps together.
      world.clock.advance(120 * 40)
      expect(world.queue.waiting === 0 || world.queue.running >= world.limits.slots).toBe(true)
    }),
    { numRuns: 40 },
  )
})

it('empties whatever was left in it', async () => {
  await fc.assert(
    fc.asyncProperty(allLimits, fc.array(step, { maxLength: 120, size: 'max' }), async (limits, steps) => {
      const { clock, queue, ...world } = worldOf(limits)
      for (const next of steps) act({ clock, queue, ...world }, next)
      await settled()
      queue.set({ slots: Infinity })
      await settled()
      for (const { slot } of world.visitors) slot?.[Symbol.dispose]()
      expect([queue.running, queue.waiting, queue.waitingBytes, clock.timers]).toEqual([0, 0, 0, 0])
      for (const { told } of world.visitors) expect(told).toHaveLength(1)
    }),
    { numRuns: 50 },
  )
})

it('gives users who always wait shares of time by weight, and stays so near to them for ever', async () => {
  const user = fc.record({ weight: fc.double({ min: 1, max: 2, noNaN: true }), heldMs: fc.nat({ max: 100 }) })
  const users = fc.array(user, { minLength: 5, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(users, fc.constantFrom(4, 8, 20), fc.nat(), async (users, slots, seed) => {
      const random = chance(seed)
      const { clock, queue } = worldOf({ ...boundless, slots })
      const used = users.map(() => 0)
      let costliest = 1
      const visit = async (index: number): Promise<void> => {
        const { weight, heldMs } = users[index]!
        const cameAt = clock.now()
        const slot = await queue.enter({ user: `${index}`, client: 'x', weight })
        clock.after(1 + 2 * heldMs * random(), () => {
          const cost = clock.now() - cameAt - slot.waitedMs
          costliest = Math.max(costliest, cost)
          used[index]! += cost / weight
          slot[Symbol.dispose]()
          void visit(index)
        })
      }
      for (const index of users.keys()) for (let i = 0; i < 2 * slots; i++) void visit(index)
      for (let ms = 0; ms < 3000; ms++) {
        clock.advance(1)
        await settled()
        if (ms % 100 !== 99) continue
        // What start-time fair queueing of that many slots promises (Jin, Chase, Kaur: SFQ(D), theorem 1).
        expect(Math.max(...used) - Math.min(...used)).toBeLessThanOrEqual(2 * (slots + 1) * costliest)
      }
      const all = used.reduce((sum, ms, index) => sum + ms * users[index]!.weight, 0)
      expect(all).toBeGreaterThan(slots * (0.97 * 3000 - costliest))
    }),
    { numRuns: 40 },
  )
})
