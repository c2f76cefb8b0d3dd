import { randomBytes } from 'node:crypto'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { describe, expect, it } from 'vitest'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay } from './testing/test-relay.ts'

describe.concurrent('a circuit over tcp', () => {
  it('carries octets both ways, and half-closes one by one', async ({ expect }) => {
    await using relay = await openTestRelay([])
    using circuit = await openCircuit(relay.at)
    const { source, destination, control, told } = circuit
    expect(told[0].peer).toEqual(Buffer.from(control.id))
    expect(told[1].peer).toEqual(Buffer.from(source.id))
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
