import { RELAY_STATUS } from '@sluice/wire/relay'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Circuit } from './circuit.ts'
import type { RelayLimits } from './limits.ts'
import { PRESETS } from './presets.ts'
import { type ModelCircuit, ReferenceModel } from './testing/reference-model.ts'
import { FakeControl, peerOf, refusalOf, stateWorld, type StateWorld } from './testing/state-world.ts'

// Anything may happen to a relay in any order. Each answer must be the model's, and after each step every count must be
// the size of what it counts, in the relay and in the model, down to the timers that are set.

type Pair = { readonly circuit: Circuit<string>; readonly model: ModelCircuit }

type World = StateWorld & { model: ReferenceModel; controls: FakeControl[]; pairs: Pair[] }

type Step =
  | { do: 'reserve'; octet: number; ip: string; wishMs: number }
  | { do: 'refresh'; pick: number; wishMs: number }
  | { do: 'release' | 'leave'; pick: number }
  | { do: 'connect'; from: number; to: number }
  | { do: 'accept'; pick: number; wrong: 'nothing' | 'peer' | 'token' }
  | { do: 'reject' | 'open' | 'cut' | 'close'; pick: number }
  | { do: 'dismiss'; octet: number }
  | { do: 'advance'; ms: number }
  | { do: 'set'; limits: Partial<RelayLimits> }

const OCTETS = [1, 2, 3, 4]
const octet = fc.constantFrom(...OCTETS)
const pick = fc.nat()
const few = fc.nat({ max: 4 })
const limits: fc.Arbitrary<Partial<RelayLimits>> = fc.record(
  {
    reservations: few,
    reservationsPerIp: few,
    circuits: fc.nat({ max: 6 }),
    circuitsPerIp: fc.nat({ max: 6 }),
    circuitsPerPeer: few,
    pendingPerPeer: few,
    reservationTtlMs: fc.constantFrom(30_000, 60_000, 90_000),
    durationMs: fc.constantFrom(0, 5000, 20_000),
    acceptMs: fc.constantFrom(1000, 10_000),
  },
  { requiredKeys: [] },
)
const wishMs = fc.constantFrom(0, 1, 70_000)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve'),
      octet,
      ip: fc.constantFrom('192.0.2.1', '192.0.2.2'),
      wishMs,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refresh'), pick, wishMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('release', 'leave'), pick }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('connect'), from: octet, to: octet }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('accept'),
      pick,
      wrong: fc.constantFrom('nothing', 'nothing', 'nothing', 'peer', 'token'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('open'), pick }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('reject', 'cut', 'close'), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dismiss'), octet }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.nat({ max: 15_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.nat({ max: 100_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('set'), limits }) },
)

function worldOf(start: Partial<RelayLimits>): World {
  const all = { ...PRESETS.seed, connectsPerMinute: 0, ...start }
  return { ...stateWorld(all), model: new ReferenceModel(all), controls: [], pairs: [] }
}

function reserve({ state, model }: World, control: FakeControl, wish: number): void {
  expect(refusalOf(() => state.reservations.reserve(control, wish))).toBe(model.reserve(control, wish))
}

function connect(world: World, from: number, to: number): void {
  const expected = world.model.connect(peerOf(from).id, peerOf(to).id)
  let circuit: Circuit<string> | undefined
  const told = refusalOf(() => (circuit = world.state.circuits.connect(peerOf(from), peerOf(to).id)))
  expect(told).toBe(typeof expected === 'string' ? expected : 'OK')
  if (circuit !== undefined && typeof expected !== 'string') world.pairs.push({ circuit, model: expected })
}

function accept({ state, model, controls }: World, pair: Pair, wrong: string): void {
  const { circuit } = pair
  const incoming = controls
    .flatMap((control) => control.heard('incoming'))
    .find(({ circuitId }) => Buffer.from(circuitId).toString('hex') === circuit.key)
  const token = wrong === 'token' ? incoming!.token.toReversed() : incoming!.token
  const peer = wrong === 'peer' ? circuit.source : circuit.destination
  const told = refusalOf(() => state.circuits.accept(peer, circuit.id, token))
  expect(told).toBe(wrong === 'nothing' && model.claim(pair.model) ? 'OK' : 'INVALID_TOKEN')
}

function actOnCircuit({ state, model }: World, pair: Pair, taken: 'reject' | 'open' | 'cut' | 'close'): void {
  const { circuit } = pair
  if (taken === 'open') return expect(circuit.open('conn')).toBe(model.open(pair.model))
  if (taken === 'close') return expect(circuit.close(RELAY_STATUS.OK)).toBe(model.close(pair.model))
  if (taken === 'reject') {
    const isWaiting = pair.model.state === 'pending'
    expect(state.circuits.reject(circuit.destination, circuit.id)).toBe(isWaiting && model.close(pair.model))
    return
  }
  circuit.cut(RELAY_STATUS.ADMIN_CLOSED)
  model.cut(pair.model)
}

function actOnControl({ state, model }: World, control: FakeControl, taken: Step): void {
  if (taken.do === 'release') expect(state.reservations.release(control)).toBe(model.release(control))
  if (taken.do !== 'leave') return
  state.leave(control)
  model.leave(control)
}

function dismiss({ state, model }: World, id: string): void {
  const control = model.seats.get(id)?.control
  expect(state.dismiss(id, RELAY_STATUS.ADMIN_CLOSED)).toBe(control !== undefined)
  if (control !== undefined) model.leave(control)
}

function act(world: World, taken: Step): void {
  const { state, model, clock, controls, pairs } = world
  switch (taken.do) {
    case 'reserve': {
      const control = new FakeControl(taken.octet, taken.ip)
      controls.push(control)
      return reserve(world, control, taken.wishMs)
    }
    case 'refresh': {
      const control = controls[taken.pick % controls.length]
      return control && reserve(world, control, taken.wishMs)
    }
    case 'release':
    case 'leave': {
      const control = controls[taken.pick % controls.length]
      return control && actOnControl(world, control, taken)
    }
    case 'connect':
      return connect(world, taken.from, taken.to)
    case 'accept': {
      const pair = pairs[taken.pick % pairs.length]
      return pair && accept(world, pair, taken.wrong)
    }
    case 'reject':
    case 'open':
    case 'cut':
    case 'close': {
      const pair = pairs[taken.pick % pairs.length]
      return pair && actOnCircuit(world, pair, taken.do)
    }
    case 'dismiss':
      return dismiss(world, peerOf(taken.octet).id)
    case 'advance':
      clock.advance(taken.ms)
      return model.advance(taken.ms)
    case 'set':
      model.limits = { ...model.limits, ...taken.limits }
      return state.set(model.limits)
  }
}

function check({ state, model, clock, pairs }: World): void {
  const { reservations, circuits } = state
  expect([reservations.size, reservations.list().length]).toEqual(Array(2).fill(model.reservations.size))
  expect([reservations.networks, reservations.controls]).toEqual([model.networks, model.seats.size])
  expect([circuits.size, circuits.list().length]).toEqual(Array(2).fill(model.circuits.length))
  expect(circuits.pending).toBe(model.pending)
  for (const { id } of OCTETS.map((each) => peerOf(each))) {
    expect(reservations.find(id)?.control).toBe(model.reservations.get(id)?.control)
    expect(reservations.control(id)).toBe(model.seats.get(id)?.control)
    expect(circuits.of(id)).toBe(model.of(id))
  }
  for (const pair of pairs) {
    expect([pair.circuit.state, pair.circuit.signal.aborted]).toEqual([pair.model.state, pair.model.isCut])
  }
  expect(clock.timers).toBe(model.timers)
}

/** More than a limit allows there may only be of what was there before the limit came down. */
function checkLimits({ state, model }: World, before: ReturnType<typeof counts>): void {
  const { reservations, circuits, circuitsPerPeer } = model.limits
  const now = counts(state)
  const within = (count: number, limit: number, was: number): void => {
    if (limit > 0) expect(count).toBeLessThanOrEqual(Math.max(limit, was))
  }
  within(now.reservations, reservations, before.reservations)
  within(now.circuits, circuits, before.circuits)
  for (const [index, count] of now.peers.entries()) within(count, circuitsPerPeer, before.peers[index]!)
}

const counts = ({
  reservations,
  circuits,
}: World['state']): {
  reservations: number
  circuits: number
  peers: number[]
} => ({
  reservations: reservations.size,
  circuits: circuits.size,
  peers: OCTETS.map((each) => circuits.of(peerOf(each).id)),
})

const steps = fc.array(step, { maxLength: 80, size: 'max' })

it('answers as the model does, counts what there is, and stays within its limits, whatever happens', () => {
  expect.hasAssertions()
  fc.assert(
    fc.property(limits, steps, (start, taken) => {
      const world = worldOf(start)
      for (const next of taken) {
        const before = counts(world.state)
        act(world, next)
        check(world)
        checkLimits(world, before)
      }
    }),
    { numRuns: 200 },
  )
})

it('is empty once everybody has gone', () => {
  fc.assert(
    fc.property(limits, steps, (start, taken) => {
      const { state, clock, controls, pairs, ...rest } = worldOf(start)
      for (const next of taken) act({ state, clock, controls, pairs, ...rest }, next)
      for (const control of controls) state.leave(control)
      for (const { circuit } of pairs) circuit.close(RELAY_STATUS.OK)
      const { reservations, circuits } = state
      expect([reservations.size, reservations.networks, reservations.controls]).toEqual([0, 0, 0])
      expect([circuits.size, circuits.pending, clock.timers]).toEqual([0, 0, 0])
      for (const control of controls) {
        const ended = control.heard('circuitClosed').map(({ circuitId }) => String(circuitId))
        expect(new Set(ended).size).toBe(ended.length)
      }
    }),
    { numRuns: 100 },
  )
})
