import { formatNodeId, FRAME, nodeIdOf, RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { FakeControl, peerOf, refusalOf, stateWorld, type StateWorld } from './testing/state-world.ts'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay } from './testing/test-relay.ts'

// What went wrong in the relay that this one takes its shape from, thirteen things, each named by what must hold instead.

const HOUR = 3_600_000
const at = (octet: number): string => peerOf(octet).id

function reserved(world: StateWorld, octet: number): FakeControl {
  const control = new FakeControl(octet)
  world.state.reservations.reserve(control)
  return control
}

it('1: a refresh is never refused because the table is full', () => {
  const world = stateWorld({ reservations: 2, reservationsPerIp: 2 })
  const control = reserved(world, 1)
  reserved(world, 2)
  world.clock.advance(HOUR / 2)
  expect(refusalOf(() => world.state.reservations.reserve(control))).toBe('OK')
  expect(refusalOf(() => world.state.reservations.reserve(new FakeControl(2)))).toBe('OK')
  expect(world.state.reservations.size).toBe(2)
  world.clock.advance(HOUR - 1)
  expect(world.state.reservations.size).toBe(2)
})

it('2: a refresh, or another conn, does not give a peer its circuits anew', () => {
  const world = stateWorld({ circuitsPerPeer: 2 })
  const control = reserved(world, 1)
  const circuits = [2, 3].map((octet) => world.state.circuits.connect(peerOf(octet), at(1)))
  const fourth = (): string => refusalOf(() => world.state.circuits.connect(peerOf(4), at(1)))
  world.state.reservations.reserve(control)
  expect(fourth()).toBe('RESOURCE_LIMIT_EXCEEDED circuits-destination')
  world.state.leave(reserved(world, 1))
  for (const circuit of circuits) expect(circuit.state).toBe('closed')
  reserved(world, 1)
  expect(fourth()).toBe('OK')
  expect(world.state.circuits.of(at(1))).toBe(1)
})

it('2: circuits that run when a reservation is renewed from nothing still count', () => {
  const world = stateWorld({ circuitsPerPeer: 1 })
  const control = reserved(world, 1)
  world.state.circuits.connect(peerOf(2), at(1))
  const { circuitId, token } = control.heard('incoming')[0]!
  world.state.circuits.accept(control.peer, circuitId, token).open('conn')
  world.state.leave(control)
  reserved(world, 1)
  expect(refusalOf(() => world.state.circuits.connect(peerOf(3), at(1)))).toContain('circuits-destination')
  for (const circuit of world.state.circuits.list()) circuit.close(RELAY_STATUS.OK)
  expect(world.state.circuits.of(at(1))).toBe(0)
})

it('3: CONNECTs that come while others wait for an answer do not pass the limits', () => {
  const world = stateWorld({ circuits: 3, circuitsPerPeer: 0, pendingPerPeer: 0 })
  reserved(world, 1)
  const told = [2, 3, 4, 5, 6].map((octet) =>
    refusalOf(() => world.state.circuits.connect(peerOf(octet), at(1))),
  )
  const refused = 'RESOURCE_LIMIT_EXCEEDED circuits-total'
  expect(told).toEqual(['OK', 'OK', 'OK', refused, refused])
  expect(world.state.circuits.size).toBe(3)
})

it('4: nobody is waited for for ever, whatever they have begun to say', async () => {
  await using relay = await openTestRelay([], '--handshake-timeout', '2')
  using silent = await TestPeer.dial(relay.at)
  using begun = await TestPeer.login(relay.at)
  begun.write(Buffer.of(4, 32, 1))
  expect(await silent.over()).toBe('end')
  expect(await begun.frame('notice')).toMatchObject({ status: RELAY_STATUS.TIMEOUT })
})

it('5: an expired reservation takes no place, from that very moment on', () => {
  const world = stateWorld({ reservations: 1, reservationsPerIp: 1 })
  reserved(world, 1)
  // No timer has run: it is the clock that decides.
  Object.assign(world.clock, { now: () => HOUR })
  expect(refusalOf(() => world.state.reservations.reserve(new FakeControl(2)))).toBe('OK')
  expect(world.state.reservations.list().map(({ control }) => control.peer.id)).toEqual([at(2)])
})

it('6: each circuit has its rate, no more, and no less where others are as busy', async () => {
  await using relay = await openTestRelay([], '--circuit-rate', '200KB/s')
  const circuits = await Promise.all([1, 2, 3].map(() => openCircuit(relay.at)))
  const begun = performance.now()
  const times = circuits.map(async ({ source, destination }) => {
    source.write(Buffer.alloc(400_000))
    await destination.octets(400_000)
    return performance.now() - begun
  })
  for (const ms of await Promise.all(times)) {
    // A quarter of a second may go at once, and is there in part; one rate for all would take 5.7 s.
    expect(ms).toBeGreaterThan(1500)
    expect(ms).toBeLessThan(5000)
  }
  for (const circuit of circuits) circuit[Symbol.dispose]()
})

it.each(['source', 'destination'] as const)(
  '7: the end of the %s is passed on, and cuts no answer',
  async (who) => {
    await using relay = await openTestRelay([], '--preset', 'private')
    using circuit = await openCircuit(relay.at)
    const [one, other] =
      who === 'source' ? [circuit.source, circuit.destination] : [circuit.destination, circuit.source]
    one.write('that is all')
    one.end()
    expect(String(await other.rest())).toBe('that is all')
    other.write('the answer')
    other.end()
    expect(String(await one.rest())).toBe('the answer')
  },
)

it('8: the source of a circuit is who has proven to be it, and both ends are told by key', async () => {
  await using relay = await openTestRelay([])
  using circuit = await openCircuit(relay.at)
  const { source, control, incoming, told } = circuit
  expect(formatNodeId(incoming.source)).toBe(source.identity.id)
  expect(nodeIdOf(incoming.sourceKey)).toEqual(incoming.source)
  expect(told.map(({ peerKey }) => formatNodeId(nodeIdOf(peerKey)))).toEqual([
    control.identity.id,
    source.identity.id,
  ])
})

it('9: a source hears of its circuit only once the conn of the destination is there', async () => {
  const world = stateWorld()
  const control = reserved(world, 1)
  const circuit = world.state.circuits.connect(peerOf(2), at(1))
  const { circuitId, token } = control.heard('incoming')[0]!
  world.state.circuits.accept(control.peer, circuitId, token).close(RELAY_STATUS.CONNECTION_FAILED)
  await expect(circuit.accepted).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
  expect(circuit.open('too late')).toBe(false)
  expect(world.events).toEqual(['opened', 'failed'])
})

it('10: every reservation and circuit is counted as what became of it', () => {
  const world = stateWorld()
  const control = reserved(world, 1)
  world.state.reservations.reserve(control)
  world.state.circuits.connect(peerOf(2), at(1)).close(RELAY_STATUS.TIMEOUT)
  world.state.reservations.release(control)
  reserved(world, 3)
  world.clock.advance(HOUR)
  expect(world.events).toEqual(['opened', 'renewed', 'failed', 'released', 'opened', 'expired'])
})

it('10: what is refused is counted too, by its status', async () => {
  await using relay = await openTestRelay([])
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: new Uint8Array(32).fill(1) })
  await source.frame('connectRefused')
  const text = await relay.program.metrics.registry.metrics()
  expect(text).toContain('sluice_relay_connect_requests_total{status="NO_RESERVATION"} 1')
})

it('11: a reservation does not outlive its conn, and nobody is dialled in its place', () => {
  const world = stateWorld()
  const control = reserved(world, 1)
  world.state.leave(control)
  expect(world.state.reservations.size).toBe(0)
  expect(refusalOf(() => world.state.circuits.connect(peerOf(2), at(1)))).toBe('NO_RESERVATION')
  expect(control.heard('incoming')).toEqual([])
})

it('12: an open circuit goes on until it is closed, has its limits, and leaves nothing behind', () => {
  const world = stateWorld({ durationMs: 5000 })
  const control = reserved(world, 1)
  world.state.circuits.connect(peerOf(2), at(1))
  const { circuitId, token } = control.heard('incoming')[0]!
  const circuit = world.state.circuits.accept(control.peer, circuitId, token)
  circuit.open('conn')
  world.clock.advance(4999)
  expect([circuit.state, circuit.signal.aborted, world.state.circuits.size]).toEqual(['open', false, 1])
  world.clock.advance(1)
  expect(circuit.signal.aborted).toBe(true)
  circuit.close(RELAY_STATUS.PEER_RESET)
  expect([world.state.circuits.size, world.state.circuits.of(at(1)), world.clock.timers]).toEqual([0, 0, 1])
  expect(control.heard('circuitClosed')).toMatchObject([{ status: RELAY_STATUS.DURATION_LIMIT, ms: 5000 }])
})

it('13: no octet begins two kinds of frames, nor a frame and another transport', () => {
  const types = Object.values(FRAME)
  expect(new Set(types).size).toBe(types.length)
  const firsts: readonly number[] = [FRAME.HELLO, FRAME.RESERVE, FRAME.CONNECT, FRAME.ACCEPT]
  for (const first of firsts) {
    expect(first === 0x16 || (first >= 0x41 && first <= 0x5a)).toBe(false)
  }
})
