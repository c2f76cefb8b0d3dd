import { randomBytes } from 'node:crypto'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

// What the suites of go-libp2p's and js-libp2p's circuit relays ask, asked of this one. Where it is asked elsewhere:
//
// a circuit that carries both ways                         door.test.ts, transports.test.ts
// the time limit, the data limit                           door.test.ts (up), here (down, each way apart)
// reservations in all, a refresh when full                 control.test.ts; of an address: here
// places are free again once their peers have gone         here
// addresses of a reservation, its voucher                  control.test.ts
// a reservation in the past, without a right voucher       peer/control.test.ts, @sluice/wire's proof.test.ts
// unknown types, frames in the wrong place                 bad-input.test.ts
// denied to reserve, denied to connect                     users.test.ts, admin.test.ts (bans)
// nobody there, to oneself, through another relay          door.test.ts, circuits.test.ts
// the source stays after a hop that failed                 door.test.ts; the destination too: here
// the relay stops                                          door.test.ts (lets go on), here (when it cannot wait)
// both ends know the limits; none, and a large transfer    here

const { DATA_LIMIT, NO_RESERVATION, REJECTED, RESOURCE_LIMIT_EXCEEDED } = RELAY_STATUS

describe('the data limit', () => {
  let relay: TestRelay
  beforeAll(async () => {
    relay = await openTestRelay([], '--circuit-bytes', '1000')
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  it('holds down too, to the octet, and what was within it has come', async () => {
    using circuit = await openCircuit(relay.at)
    const { source, destination, control } = circuit
    const within = randomBytes(1000)
    destination.write(Buffer.concat([within, Buffer.of(1)]))
    expect((await source.octets(1000)).equals(within)).toBe(true)
    expect(await source.over()).toBe('reset')
    expect(await control.frame('circuitClosed')).toMatchObject({ status: DATA_LIMIT, up: 0, down: 1000 })
  })

  it('is each way apart: as much up as down', async () => {
    using circuit = await openCircuit(relay.at)
    const { source, destination } = circuit
    for (const [from, to] of [
      [source, destination],
      [destination, source],
    ] as const) {
      from.write(Buffer.alloc(1000))
      from.end()
      expect((await to.rest()).length).toBe(1000)
    }
    expect(await circuit.control.frame('circuitClosed')).toMatchObject({ status: 0, up: 1000, down: 1000 })
  })

  it('and the others are told to both ends, in WELCOME too', async () => {
    using circuit = await openCircuit(relay.at)
    for (const told of circuit.told)
      expect(told).toMatchObject({ duration: 120, data: 1000, rate: 1_000_000 })
    using peer = await TestPeer.dial(relay.at)
    expect(await peer.login()).toMatchObject({ duration: 120, data: 1000, rate: 1_000_000, circuits: 4 })
  })
})

it('a large transfer goes through where there are no limits', async () => {
  await using relay = await openTestRelay([], '--preset', 'private')
  using circuit = await openCircuit(relay.at)
  for (const told of circuit.told) expect(told).toMatchObject({ duration: 0, data: 0, rate: 0 })
  const piece = randomBytes(1 << 20)
  for (let n = 0; n < 16; n += 1) {
    circuit.source.write(piece)
    expect((await circuit.destination.octets(1 << 20)).equals(piece)).toBe(true)
  }
})

describe('reservations of one address', () => {
  it('are limited; one that is there is refreshed when all are taken, and counts once', async () => {
    await using relay = await openTestRelay([], '--reservations-per-ip', '2')
    using one = await TestPeer.login(relay.at)
    using two = await TestPeer.login(relay.at)
    using three = await TestPeer.login(relay.at)
    await one.reserve()
    await two.reserve()
    for (let n = 0; n < 3; n += 1) expect((await one.reserve()).status).toBe(RELAY_STATUS.OK)
    expect((await three.reserve()).status).toBe(RESOURCE_LIMIT_EXCEEDED)
    expect(await three.frame('notice')).toMatchObject({ text: 'reservations-ip' })
    one.send({ type: 'release' })
    one.send({ type: 'ping', opaque: new Uint8Array(8) })
    await one.frame('pong')
    expect((await three.reserve()).status).toBe(RELAY_STATUS.OK)
  })

  it('are all free again once their peers have gone, however they went, and however often', async () => {
    await using relay = await openTestRelay([], '--reservations', '4', '--reservations-per-ip', '4')
    for (let round = 0; round < 10; round += 1) {
      const peers = await Promise.all([1, 2, 3, 4].map(() => TestPeer.login(relay.at)))
      for (const peer of peers) expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
      const [ended, reset, ...others] = peers
      ended!.end()
      reset!.conn.reset()
      for (const peer of others) peer.conn.destroy()
      await expect.poll(() => relay.relay.state.reservations.size, { interval: 1 }).toBe(0)
    }
  })
})

it('a destination stays, and its source too, when a circuit came to nothing', async () => {
  await using relay = await openTestRelay([])
  using control = await TestPeer.login(relay.at)
  await control.reserve()
  using source = await TestPeer.login(relay.at)
  for (let n = 0; n < 3; n += 1) {
    source.send({ type: 'connect', destination: randomBytes(32) })
    expect(await source.frame('connectRefused')).toMatchObject({ status: NO_RESERVATION })
    source.send({ type: 'connect', destination: control.id })
    const { circuitId } = await control.frame('incoming')
    control.send({ type: 'reject', status: REJECTED, circuitId, reason: '' })
    expect(await source.frame('connectRefused')).toMatchObject({ status: REJECTED })
  }
  using circuit = await openCircuit(relay.at, { control, source })
  circuit.source.write('x')
  expect(String(await circuit.destination.octets(1))).toBe('x')
})

it('a relay that cannot wait any more resets its circuits: they do not look done', async () => {
  const relay = await openTestRelay([])
  using circuit = await openCircuit(relay.at)
  circuit.source.write('half of')
  await circuit.destination.octets(7)
  const stopped = relay[Symbol.asyncDispose]()
  expect(await circuit.destination.over()).toBe('reset')
  expect(await circuit.source.over()).toBe('reset')
  await stopped
})
