import * as fc from 'fast-check'
import { setImmediate as settled } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { GateError } from './gate-error.ts'
import { Gate, type GateLimits } from './gate.ts'
import { ManualClock } from './testing/manual-clock.ts'

// Anything may happen to a gate in any order; after each step, what its visitors were told must add up to what
// it says of itself, and to a model that is nothing but a list of visitors.

type Visitor = {
  key: string
  cost: number
  since: number
  abort: AbortController
  /** What the model expects; a visitor that waits may be let in by the gate, by the rules below. */
  state: 'waiting' | 'inside' | 'left' | 'GATE_FULL' | 'GATE_TIMEOUT' | 'aborted'
  /** What the visitor was told; more than one answer is a failure of its own. */
  told: string[]
  slot?: Disposable
}

type World = { clock: ManualClock; gate: Gate; limits: Required<GateLimits>; visitors: Visitor[] }

type Step =
  | { do: 'enter'; key: string; cost: number; weight: number }
  | { do: 'leave' | 'abort'; pick: number }
  | { do: 'advance'; ms: number }
  | { do: 'set'; limits: Partial<GateLimits> }

const keys = fc.constantFrom('a', 'b', 'c')
const picks = fc.nat()
const small = {
  slots: fc.nat({ max: 4 }),
  maxWaiting: fc.nat({ max: 8 }),
  maxWaitingBytes: fc.nat({ max: 40 }),
}
const others = {
  maxWaitingPerKey: fc.integer({ min: 1, max: 5 }),
  timeoutMs: fc.integer({ min: 1, max: 60 }),
}
const allLimits: fc.Arbitrary<Required<GateLimits>> = fc.record({ ...small, ...others })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('enter'),
      key: keys,
      cost: fc.nat({ max: 10 }),
      weight: fc.double({ min: 1, max: 4, noNaN: true }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('leave'), pick: picks }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort'), pick: picks }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.integer({ min: 0, max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set'),
      limits: fc.record({ ...small, ...others }, { requiredKeys: [] }),
    }),
  },
)

const inState = (world: World, state: Visitor['state']): Visitor[] =>
  world.visitors.filter((visitor) => visitor.state === state)

const sumOfCosts = (visitors: Visitor[]): number => visitors.reduce((sum, { cost }) => sum + cost, 0)

function expectedOnEntry(world: World, key: string, cost: number): Visitor['state'] {
  const { limits } = world
  const waiting = inState(world, 'waiting')
  if (inState(world, 'inside').length < limits.slots) return 'inside'
  if (waiting.length >= limits.maxWaiting) return 'GATE_FULL'
  if (waiting.filter((visitor) => visitor.key === key).length >= limits.maxWaitingPerKey) return 'GATE_FULL'
  return sumOfCosts(waiting) + cost > limits.maxWaitingBytes ? 'GATE_FULL' : 'waiting'
}

function enter(world: World, { key, cost, weight }: Extract<Step, { do: 'enter' }>): void {
  const abort = new AbortController()
  const state = expectedOnEntry(world, key, cost)
  const visitor: Visitor = { key, cost, since: world.clock.now(), abort, state, told: [] }
  world.visitors.push(visitor)
  const entered = world.gate.enter(key, { cost, weight, signal: abort.signal })
  void listen(visitor, entered)
}

async function listen(visitor: Visitor, entered: Promise<Disposable>): Promise<void> {
  try {
    visitor.slot = await entered
    visitor.told.push('inside')
  } catch (error) {
    visitor.told.push(error instanceof GateError ? error.code : 'aborted')
  }
}

function act(world: World, taken: Step): void {
  switch (taken.do) {
    case 'enter':
      return enter(world, taken)
    case 'leave': {
      const inside = [...inState(world, 'inside'), ...inState(world, 'left')]
      const visitor = inside[taken.pick % inside.length]
      if (visitor) visitor.state = 'left'
      return visitor?.slot?.[Symbol.dispose]()
    }
    case 'abort': {
      const visitor = world.visitors[taken.pick % world.visitors.length]
      if (visitor?.state === 'waiting') visitor.state = 'aborted'
      return visitor?.abort.abort('aborted')
    }
    case 'advance':
      return world.clock.advance(taken.ms)
    case 'set':
      Object.assign(world.limits, taken.limits)
      return world.gate.set(taken.limits)
  }
}

/** Whose time is up, then who was let in: who of the waiting is the gate's choice, how many and in which order is not. */
function follow(world: World): void {
  for (const visitor of inState(world, 'waiting')) {
    if (world.clock.now() - visitor.since >= world.limits.timeoutMs) visitor.state = 'GATE_TIMEOUT'
  }
  for (const visitor of inState(world, 'waiting')) {
    if (!visitor.told.includes('inside')) continue
    const before = inState(world, 'waiting').find(({ key }) => key === visitor.key)
    expect(before).toBe(visitor)
    visitor.state = 'inside'
    expect(inState(world, 'inside').length).toBeLessThanOrEqual(world.limits.slots)
  }
}

function check(world: World): void {
  const { gate, clock, limits } = world
  const inside = inState(world, 'inside')
  const waiting = inState(world, 'waiting')
  for (const { state, told } of world.visitors) {
    expect(told).toEqual(state === 'waiting' ? [] : [state === 'left' ? 'inside' : state])
  }
  expect(gate.running).toBe(inside.length)
  expect(gate.waiting).toBe(waiting.length)
  expect(gate.waitingBytes).toBe(sumOfCosts(waiting))
  if (waiting.length > 0) expect(inside.length).toBeGreaterThanOrEqual(limits.slots)
  expect(clock.timers).toBe(waiting.length > 0 ? 1 : 0)
}

it('loses nobody, lets nobody in twice and keeps its bounds, whatever happens', async () => {
  expect.hasAssertions()
  await fc.assert(
    fc.asyncProperty(allLimits, fc.array(step, { maxLength: 60 }), async (start, steps) => {
      const clock = new ManualClock()
      const world: World = { clock, gate: new Gate({ ...start, clock }), limits: { ...start }, visitors: [] }
      for (const next of steps) {
        act(world, next)
        await settled()
        follow(world)
        check(world)
      }
    }),
    { numRuns: 300 },
  )
})

it('empties whatever was left in it', async () => {
  await fc.assert(
    fc.asyncProperty(allLimits, fc.array(step, { maxLength: 60 }), async (start, steps) => {
      const clock = new ManualClock()
      const world: World = { clock, gate: new Gate({ ...start, clock }), limits: { ...start }, visitors: [] }
      for (const next of steps) act(world, next)
      await settled()
      world.gate.set({ slots: Infinity })
      await settled()
      for (const { slot } of world.visitors) slot?.[Symbol.dispose]()
      expect([world.gate.running, world.gate.waiting, world.gate.waitingBytes, clock.timers]).toEqual([
        0, 0, 0, 0,
      ])
      for (const { told } of world.visitors) expect(told).toHaveLength(1)
    }),
    { numRuns: 100 },
  )
})
