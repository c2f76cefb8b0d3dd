import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Direction, ShapedFlow } from './shaped-flow.ts'
import { Shaper } from './shaper.ts'
import type { ShareLimits } from './share-credits.ts'
import { ManualClock } from './testing/manual-clock.ts'
import type { Limit } from './token-bucket.ts'

// Anything may happen to a shaper in any order, within a grant too. What its flows are told must fit what they asked
// for, no bucket may owe anything, and nobody who can be served may be forgotten.

type Deed = 'nothing' | 'take' | 'close' | 'close another' | 'open' | 'set user' | 'set node' | 'remove'

type Lane = {
  user: string
  direction: Direction
  flow: ShapedFlow
  asked: number
  waiting: boolean
  closed: boolean
  /** What it does when it is granted something, one after the other. */
  deeds: Deed[]
}

type World = {
  clock: ManualClock
  shaper: Shaper
  lanes: Lane[]
  limits: Map<string, ShareLimits>
  node: ShareLimits
  spare: ShareLimits[]
}

type Step =
  | { do: 'open'; user: string; direction: Direction; deeds: Deed[] }
  | { do: 'take'; pick: number; bytes: number }
  | { do: 'close'; pick: number }
  | { do: 'set user'; user: string; limits: ShareLimits }
  | { do: 'set node'; limits: ShareLimits }
  | { do: 'remove'; user: string }
  | { do: 'advance'; ms: number }

const users = fc.constantFrom('a', 'b', 'c')
const limit: fc.Arbitrary<Limit> = fc.record({
  rate: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(50, 1e4, 1e6, 1e10) }, fc.constant(0)),
  burst: fc.constantFrom(0, 0, 100, 1e5),
})
const limits: fc.Arbitrary<ShareLimits> = fc.record(
  { up: limit, down: limit, total: limit, weight: fc.constantFrom(0.5, 1, 7) },
  { requiredKeys: [] },
)
const deeds = fc.array(
  fc.constantFrom<Deed>(
    'nothing',
    'take',
    'take',
    'take',
    'take',
    'take',
    'close',
    'close another',
    'open',
    'set user',
    'set node',
    'remove',
  ),
  { maxLength: 4 },
)
const direction = fc.constantFrom<Direction>('up', 'down')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('open'), user: users, direction, deeds }) },
  { weight: 30, arbitrary: fc.record({ do: fc.constant('take'), pick: fc.nat(), bytes: fc.constantFrom(1, 63, 5000, 1e5, 1e9) }) }, // prettier-ignore
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close'), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('set user'), user: users, limits }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('set node'), limits }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove'), user: users }) },
  {
    weight: 20,
    arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.double({ min: 0, max: 300, noNaN: true }) }),
  },
)

const pick = (lanes: Lane[], index: number): Lane | undefined => lanes[index % lanes.length]

function open(world: World, user: string, direction: Direction, deeds: Deed[]): void {
  const share = world.shaper.user(user, world.limits.get(user))
  const flow = share.flow(direction, (bytes) => granted(world, lane, bytes))
  const lane: Lane = { user, direction, flow, asked: 0, waiting: false, closed: false, deeds: [...deeds] }
  world.lanes.push(lane)
}

function granted(world: World, lane: Lane, bytes: number): void {
  expect([lane.waiting, lane.closed]).toEqual([true, false])
  expect(bytes).toBeGreaterThanOrEqual(1)
  expect(bytes).toBeLessThanOrEqual(lane.asked)
  expect(Number.isInteger(bytes)).toBe(true)
  lane.waiting = false
  const deed = lane.deeds.shift() ?? 'nothing'
  const [limits = {}] = world.spare
  if (deed === 'take') take(lane, lane.asked)
  else if (deed === 'close') close(lane)
  else if (deed === 'close another') close(world.lanes[0]!)
  else if (deed === 'open') open(world, lane.user, lane.direction, ['take'])
  else if (deed === 'set user') act(world, { do: 'set user', user: lane.user, limits })
  else if (deed === 'set node') act(world, { do: 'set node', limits })
  else if (deed === 'remove') act(world, { do: 'remove', user: lane.user })
}

function take(lane: Lane, bytes: number): void {
  if (lane.closed || lane.waiting) return
  lane.asked = bytes
  lane.waiting = true
  const given = lane.flow.take(bytes)
  if (given === 0) return
  expect(Number.isInteger(given) && given >= 1 && given <= bytes).toBe(true)
  lane.waiting = false
}

function close(lane: Lane): void {
  lane.closed = true
  lane.waiting = false
  lane.flow.close()
}

function act(world: World, taken: Step): void {
  switch (taken.do) {
    case 'open':
      return open(world, taken.user, taken.direction, taken.deeds)
    case 'take': {
      const lane = pick(world.lanes, taken.pick)
      return lane && take(lane, taken.bytes)
    }
    case 'close': {
      const lane = pick(world.lanes, taken.pick)
      return lane && close(lane)
    }
    case 'set user':
      world.limits.set(taken.user, taken.limits)
      return world.shaper.user(taken.user).set(taken.limits)
    case 'set node':
      world.node = taken.limits
      return world.shaper.set(taken.limits)
    case 'remove':
      // Its conns go with it, some of them a moment later.
      world.shaper.remove(taken.user)
      for (const lane of world.lanes) if (lane.user === taken.user) close(lane)
      return
    case 'advance':
      return world.clock.advance(taken.ms)
  }
}

function check(world: World): void {
  const credits = world.lanes.flatMap(({ flow }) => flow.side.credits)
  expect(
    credits.filter(({ tokens, held, burst }) => tokens < 0 || tokens + held > burst * (1 + 1e-9)),
  ).toEqual([])
  const waiting = world.lanes.filter((lane) => lane.waiting)
  expect(world.clock.timers).toBeLessThanOrEqual(waiting.length === 0 ? 0 : 1)
}

const isStopped = (world: World, { user, direction }: Lane): boolean =>
  [world.node, world.limits.get(user) ?? {}].some((of) =>
    [of[direction], of.total].some((each) => each?.rate === 0),
  )

it('keeps its books, and forgets nobody, whatever happens', () => {
  const start = fc.record({
    node: limits,
    spare: fc.array(limits, { maxLength: 1 }),
    opened: fc.array(fc.tuple(users, direction, deeds), { minLength: 2, maxLength: 10 }),
    own: fc.array(fc.tuple(users, limits), { maxLength: 3 }),
  })
  fc.assert(
    fc.property(
      start,
      fc.array(step, { maxLength: 80, size: 'max' }),
      ({ node, spare, opened, own }, steps) => {
        const clock = new ManualClock()
        const world: World = {
          clock,
          shaper: new Shaper(node, clock),
          lanes: [],
          limits: new Map(own),
          node,
          spare,
        }
        for (const each of opened) open(world, ...each)
        for (const next of steps) {
          act(world, next)
          check(world)
        }
        for (const lane of world.lanes) lane.deeds = []
        // At 50 bytes a second some flows of 64 bytes a turn.
        clock.advance(60_000)
        check(world)
        for (const lane of world.lanes) if (lane.waiting) expect(isStopped(world, lane)).toBe(true)
        world.shaper.set({})
        for (const user of ['a', 'b', 'c']) world.shaper.user(user).set({})
        clock.advance(0)
        for (const lane of world.lanes) expect(lane.waiting).toBe(false)
        expect(clock.timers).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
})
