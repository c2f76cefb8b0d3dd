import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatNodeId, RELAY_STATUS } from '@sluice/wire/relay'
import { describe, expect, it } from 'vitest'
import { openIdentity } from './identity.ts'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay } from './testing/test-relay.ts'

describe.concurrent('a circuit over tcp', () => {
  it('carries octets both ways, and half-closes one by one', async ({ expect }) => {
    await using relay = await openTestRelay([])
    using circuit = await openCircuit(relay.at)
    const { source, destination, control, told } = circuit
    expect(told.map(({ peer }) => formatNodeId(peer))).toEqual([control.identity.id, source.identity.id])
    expect(told[0].circuitId).toEqual(told[1].circuitId)
    const [there, back] = [randomBytes(200_000), randomBytes(300_000)]
    source.write(there)
    source.end()
    expect((await destination.rest()).equals(there)).toBe(true)
    destination.write(back)
    destination.end()
    expect((await source.rest()).equals(back)).toBe(true)
    const closed = await control.frame('circuitClosed')
    expect(closed).toMatchObject({ status: RELAY_STATUS.OK, up: 200_000, down: 300_000 })
  })

  it('loses no octet that comes in one piece with CONNECT or ACCEPT', async ({ expect }) => {
    await using relay = await openTestRelay([])
    using control = await TestPeer.login(relay.at)
    await control.reserve()
    using source = await TestPeer.login(relay.at)
    source.send({ type: 'connect', destination: control.id })
    source.write('hello from the source')
    const { circuitId, token } = await control.frame('incoming')
    using destination = await TestPeer.login(relay.at, { identity: control.identity })
    destination.send({ type: 'accept', circuitId, token })
    destination.write('hello from the destination')
    await source.frame('connected')
    await destination.frame('connected')
    expect(String(await destination.octets(21))).toBe('hello from the source')
    expect(String(await source.octets(26))).toBe('hello from the destination')
  })
})

it('refuses a peer that has no reservation, and takes the next CONNECT', async () => {
  await using relay = await openTestRelay([])
  using control = await TestPeer.login(relay.at)
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: control.id })
  expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.NO_RESERVATION })
  await control.reserve()
  using circuit = await openCircuit(relay.at, { control, source })
  circuit.source.write('x')
  expect(String(await circuit.destination.octets(1))).toBe('x')
})

describe('a circuit that waits for its destination', () => {
  it('is rejected in the words of the destination, and the source may ask again', async () => {
    await using relay = await openTestRelay([])
    using control = await TestPeer.login(relay.at)
    await control.reserve()
    using source = await TestPeer.login(relay.at)
    source.send({ type: 'connect', destination: control.id })
    const { circuitId } = await control.frame('incoming')
    control.send({ type: 'reject', status: RELAY_STATUS.REJECTED, circuitId, reason: 'busy' })
    expect(await source.frame('connectRefused')).toMatchObject({
      status: RELAY_STATUS.REJECTED,
      reason: 'busy',
    })
    using circuit = await openCircuit(relay.at, { control, source })
    expect(
      relay.relay.state.circuits.find(Buffer.from(circuit.incoming.circuitId).toString('hex')),
    ).toBeDefined()
  })

  it('is given up when nobody accepts it in time', async () => {
    await using relay = await openTestRelay([], '--accept-timeout', '200ms')
    using control = await TestPeer.login(relay.at)
    await control.reserve()
    using source = await TestPeer.login(relay.at)
    source.send({ type: 'connect', destination: control.id })
    const { circuitId, token } = await control.frame('incoming')
    expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.TIMEOUT })
    expect(await control.frame('circuitClosed')).toMatchObject({ status: RELAY_STATUS.TIMEOUT })
    using late = await TestPeer.login(relay.at, { identity: control.identity })
    late.send({ type: 'accept', circuitId, token })
    expect(await late.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.INVALID_TOKEN })
  })

  it('is over when its source leaves, or the control conn of its destination', async () => {
    await using relay = await openTestRelay([])
    const { circuits } = relay.relay.state
    using control = await TestPeer.login(relay.at)
    await control.reserve()
    using source = await TestPeer.login(relay.at)
    source.send({ type: 'connect', destination: control.id })
    await control.frame('incoming')
    source.conn.reset()
    expect(await control.frame('circuitClosed')).toMatchObject({ status: RELAY_STATUS.PEER_RESET })
    expect(circuits.size).toBe(0)
    using other = await TestPeer.login(relay.at)
    other.send({ type: 'connect', destination: control.id })
    await control.frame('incoming')
    control.end()
    expect(await other.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.CONNECTION_FAILED })
    expect(circuits.size).toBe(0)
  })

  it('is nobody’s but its destination’s, and its token is good once', async () => {
    await using relay = await openTestRelay([])
    using control = await TestPeer.login(relay.at)
    await control.reserve()
    using source = await TestPeer.login(relay.at)
    source.send({ type: 'connect', destination: control.id })
    const { circuitId, token } = await control.frame('incoming')
    const tries: readonly [TestPeer, Uint8Array][] = [
      [await TestPeer.login(relay.at), token],
      [await TestPeer.login(relay.at, { identity: control.identity }), randomBytes(32)],
    ]
    for (const [peer, shown] of tries) {
      peer.send({ type: 'accept', circuitId, token: shown })
      expect(await peer.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.INVALID_TOKEN })
      expect(await peer.over()).toBe('end')
    }
    using right = await TestPeer.login(relay.at, { identity: control.identity })
    right.send({ type: 'accept', circuitId, token })
    await right.frame('connected')
    await source.frame('connected')
    using again = await TestPeer.login(relay.at, { identity: control.identity })
    again.send({ type: 'accept', circuitId, token })
    expect(await again.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.INVALID_TOKEN })
    source.write('x')
    expect(String(await right.octets(1))).toBe('x')
  })
})

it('refuses circuits to oneself and to the relay, and names the limit that is met', async () => {
  await using relay = await openTestRelay([], '--circuits-per-peer', '1', '--connects-per-minute', '3')
  using circuit = await openCircuit(relay.at)
  using source = await TestPeer.login(relay.at)
  const asks: readonly [Uint8Array, object][] = [
    [source.id, { status: RELAY_STATUS.MALFORMED_MESSAGE }],
    [relay.relay.identity.nodeId, { status: RELAY_STATUS.PERMISSION_DENIED }],
    [circuit.control.id, { status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED, reason: 'circuits-destination' }],
    [randomBytes(32), { status: RELAY_STATUS.NO_RESERVATION }],
    [randomBytes(32), { status: RELAY_STATUS.NO_RESERVATION }],
    [randomBytes(32), { status: RELAY_STATUS.RATE_LIMITED, reason: 'connect-rate' }],
  ]
  for (const [destination, wanted] of asks) {
    source.send({ type: 'connect', destination })
    expect(await source.frame('connectRefused')).toMatchObject(wanted)
  }
})

it('tells nobody who is here where that is hidden, whatever became of the request', async () => {
  const limits = ['--accept-timeout', '200ms', '--circuits-per-peer', '2', '--pending-per-peer', '1']
  await using relay = await openTestRelay([], '--hide-presence', ...limits)
  using control = await TestPeer.login(relay.at)
  await control.reserve()
  using source = await TestPeer.login(relay.at)
  using other = await TestPeer.login(relay.at)
  const hidden = { status: RELAY_STATUS.PERMISSION_DENIED, reason: '', retryAfter: 0 }
  source.send({ type: 'connect', destination: randomBytes(32) })
  expect(await source.frame('connectRefused'), 'not here').toMatchObject(hidden)
  source.send({ type: 'connect', destination: control.id })
  const { circuitId } = await control.frame('incoming')
  other.send({ type: 'connect', destination: control.id })
  expect(await other.frame('connectRefused'), 'one waits').toMatchObject(hidden)
  control.send({ type: 'reject', circuitId, status: 0, reason: 'no' })
  expect(await source.frame('connectRefused'), 'rejected').toMatchObject(hidden)
  source.send({ type: 'connect', destination: control.id })
  expect(await source.frame('connectRefused'), 'too late').toMatchObject(hidden)
  source.send({ type: 'connect', destination: control.id })
  control.conn.destroy()
  expect(await source.frame('connectRefused'), 'gone').toMatchObject(hidden)
})

it('resets the one end when the other breaks off', async () => {
  await using relay = await openTestRelay([])
  using circuit = await openCircuit(relay.at)
  circuit.source.conn.reset()
  expect(await circuit.destination.over()).toBe('reset')
  expect(await circuit.control.frame('circuitClosed')).toMatchObject({ status: RELAY_STATUS.PEER_RESET })
})

it('resets a circuit in which nothing passes', async () => {
  await using relay = await openTestRelay([], '--circuit-idle-timeout', '1')
  using circuit = await openCircuit(relay.at)
  expect(await circuit.source.over()).toBe('reset')
  expect(await circuit.control.frame('circuitClosed')).toMatchObject({ status: RELAY_STATUS.IDLE_TIMEOUT })
})

it('tells who asks for something else than a circuit that this is no place for it', async () => {
  await using relay = await openTestRelay([])
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: randomBytes(32) })
  await source.frame('connectRefused')
  source.send({ type: 'reserve', ttl: 0 })
  expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.UNEXPECTED_MESSAGE })
  expect(await source.over()).toBe('end')
})

it('lets circuits go on while it stops, and takes no more', async () => {
  await using relay = await openTestRelay([])
  using circuit = await openCircuit(relay.at)
  using waiting = await TestPeer.login(relay.at)
  waiting.send({ type: 'connect', destination: randomBytes(32) })
  await waiting.frame('connectRefused')
  const stopped = relay.program.stop()
  expect(await circuit.control.frame('goaway')).toMatchObject({ status: RELAY_STATUS.SHUTTING_DOWN })
  expect(await waiting.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.SHUTTING_DOWN })
  circuit.source.write('still')
  expect(String(await circuit.destination.octets(5))).toBe('still')
  circuit.source.end()
  circuit.destination.end()
  await circuit.source.rest()
  await stopped
  expect(relay.relay.state.circuits.size).toBe(0)
})

it('holds each circuit to its rate', async () => {
  await using relay = await openTestRelay([], '--circuit-rate', '500KB/s')
  using circuit = await openCircuit(relay.at)
  const begun = performance.now()
  circuit.source.write(randomBytes(500_000))
  await circuit.destination.octets(500_000)
  // At most the burst goes at once, a quarter of which is there at the start.
  expect(performance.now() - begun).toBeGreaterThan(700)
})

it('cuts a circuit at its data limit by a reset, exactly', async () => {
  await using relay = await openTestRelay([], '--circuit-bytes', '1000')
  using circuit = await openCircuit(relay.at)
  const { source, destination, control } = circuit
  source.write(randomBytes(1000))
  expect((await destination.octets(1000)).length).toBe(1000)
  source.write('x')
  expect(await destination.over()).toBe('reset')
  expect(await source.over()).toBe('reset')
  expect(await control.frame('circuitClosed')).toMatchObject({
    status: RELAY_STATUS.DATA_LIMIT,
    up: 1000,
    down: 0,
  })
})

it('cuts a circuit at its duration limit by a reset', async () => {
  await using relay = await openTestRelay([], '--circuit-duration', '1')
  using circuit = await openCircuit(relay.at)
  const { source, destination, control } = circuit
  expect(await destination.over()).toBe('reset')
  expect(await source.over()).toBe('reset')
  expect(await control.frame('circuitClosed')).toMatchObject({ status: RELAY_STATUS.DURATION_LIMIT })
})

it('warns of an identity that others may read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exposed-'))
  const file = join(folder, 'relay-identity.pem')
  openIdentity(file)
  const warnings: number[] = []
  for (const mode of [0o600, 0o644]) {
    chmodSync(file, mode)
    await using relay = await openTestRelay([], '--data', folder)
    warnings.push(relay.journal.of('identity.exposed').length)
  }
  rmSync(folder, { recursive: true })
  expect(warnings).toEqual([0, 1])
})
