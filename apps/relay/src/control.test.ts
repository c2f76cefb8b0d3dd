import { decodeVoucher, formatNodeId, RELAY_STATUS, voucherProof } from '@sluice/wire/relay'
import { verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicKeyOf } from '@sluice/service'
import { freshIdentity } from './identity.ts'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

let relay: TestRelay
beforeAll(async () => {
  relay = await openTestRelay([], '--preset', 'private')
})
afterAll(() => relay[Symbol.asyncDispose]())

describe('a reservation', () => {
  it('tells the addresses of the relay, terms, and a voucher that it has signed', async () => {
    const { at, relay: door } = relay
    using peer = await TestPeer.login(at)
    peer.send({ type: 'reserve', ttl: 600 })
    const { addresses } = await peer.frame('reserveResponse')
    const [there, here] = [door.identity.id, peer.identity.id]
    expect(addresses).toEqual([`/ip4/127.0.0.1/tcp/${at.port}/p2p/${there}/p2p-circuit/p2p/${here}`])
    const reservation = await peer.frame('reservation')
    expect(reservation).toMatchObject({ ttl: 600, slots: 0 })
    const voucher = decodeVoucher(reservation.voucher)
    expect([voucher.relay, voucher.peer].map(formatNodeId)).toEqual([there, here])
    expect(voucher.expire).toBe(reservation.expire)
    const isRight = verify(
      null,
      voucherProof(voucher),
      publicKeyOf(door.identity.publicKey),
      voucher.signature,
    )
    expect(isRight).toBe(true)
  })

  it('has a new voucher after each refresh', async () => {
    using peer = await TestPeer.login(relay.at)
    const expires: number[] = []
    for (const ttl of [60, 3600]) {
      peer.send({ type: 'reserve', ttl })
      await peer.frame('reserveResponse')
      expires.push(decodeVoucher((await peer.frame('reservation')).voucher).expire)
    }
    expect(expires[1]! - expires[0]!).toBeGreaterThan(3500)
  })

  it('is gone at once with its conn, and its circuits go on', async () => {
    const { at, relay: door } = relay
    using circuit = await openCircuit(at)
    const { source, destination, control } = circuit
    control.end()
    expect(await control.over()).toBe('end')
    expect(door.state.reservations.find(control.identity.id)).toBeUndefined()
    source.write('on')
    expect(String(await destination.octets(2))).toBe('on')
    using other = await TestPeer.login(at)
    other.send({ type: 'connect', destination: control.id })
    expect(await other.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.NO_RESERVATION })
  })

  it('is released, and can be had again', async () => {
    using peer = await TestPeer.login(relay.at)
    await peer.reserve()
    peer.send({ type: 'release' }, { type: 'ping', opaque: new Uint8Array(8) })
    await peer.frame('pong')
    expect(relay.relay.state.reservations.find(peer.identity.id)).toBeUndefined()
    expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
  })

  it('moves to the newer conn of a peer, which does not count twice', async () => {
    const { at, relay: door } = relay
    const identity = freshIdentity()
    using first = await TestPeer.login(at, { identity })
    await first.reserve()
    const { size } = door.state.reservations
    using second = await TestPeer.login(at, { identity })
    await second.reserve()
    expect(await first.frame('goaway')).toMatchObject({ status: RELAY_STATUS.REPLACED, tryForMs: 0 })
    expect(await first.over()).toBe('end')
    expect(door.state.reservations.size).toBe(size)
    using circuit = await openCircuit(at, { control: second })
    expect(circuit.told[0].peer).toEqual(circuit.told[0].peer)
  })

  it('is not fought over: the fourth that wants it within 10 s is refused', async () => {
    const { at } = relay
    const identity = freshIdentity()
    const peers: TestPeer[] = []
    for (let i = 0; i < 4; i++) {
      const peer = await TestPeer.login(at, { identity })
      expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
      peers.push(peer)
    }
    using fifth = await TestPeer.login(at, { identity })
    fifth.send({ type: 'reserve', ttl: 0 })
    expect(await fifth.frame('reserveResponse')).toMatchObject({ status: RELAY_STATUS.RATE_LIMITED })
    expect(await fifth.frame('notice')).toMatchObject({ text: 'replacements' })
    expect(await peers.at(-1)!.frame('notice')).toMatchObject({ status: RELAY_STATUS.RATE_LIMITED })
    for (const peer of peers) peer[Symbol.dispose]()
  })
})

describe('limits', () => {
  it('are named to who meets them, and a refresh has room although all are taken', async () => {
    await using small = await openTestRelay([], '--reservations', '2', '--reservations-per-ip', '0')
    using one = await TestPeer.login(small.at)
    using two = await TestPeer.login(small.at)
    using three = await TestPeer.login(small.at)
    await one.reserve()
    await two.reserve()
    three.send({ type: 'reserve', ttl: 0 })
    expect(await three.frame('reserveResponse')).toMatchObject({
      status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED,
      addresses: [],
    })
    expect(await three.frame('notice')).toMatchObject({ text: 'reservations-total' })
    expect((await one.reserve()).status).toBe(RELAY_STATUS.OK)
    two.end()
    await two.over()
    expect((await three.reserve()).status).toBe(RELAY_STATUS.OK)
  })
})

describe('a control conn', () => {
  it('answers pings, and tells who asks for a circuit on it that this is the wrong place', async () => {
    using peer = await TestPeer.login(relay.at)
    await peer.reserve()
    peer.send({ type: 'connect', destination: Buffer.alloc(32, 1) })
    expect(await peer.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.UNEXPECTED_MESSAGE })
    peer.send({ type: 'ping', opaque: new Uint8Array(8) })
    await peer.frame('pong')
  })

  it.each([
    ['a frame of nobody', Buffer.of(0x99), RELAY_STATUS.MALFORMED_MESSAGE],
    [
      'an ACCEPT',
      Buffer.concat([Buffer.of(0x0b, 0, 0, 48), Buffer.alloc(48, 1)]),
      RELAY_STATUS.UNEXPECTED_MESSAGE,
    ],
    ['a body of 4097 octets', Buffer.of(0x0c, 0, 0x10, 1), RELAY_STATUS.MALFORMED_MESSAGE],
  ])('ends behind %s', async (_what, octets, status) => {
    using peer = await TestPeer.login(relay.at)
    await peer.reserve()
    peer.write(octets)
    expect(await peer.frame('notice')).toMatchObject({ status })
    expect(await peer.over()).toBe('end')
    expect(relay.relay.state.reservations.find(peer.identity.id)).toBeUndefined()
  })

  it('takes frames that are cut and joined anyhow', async () => {
    using peer = await TestPeer.login(relay.at)
    for (const octet of Buffer.of(1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0)) peer.write(Buffer.of(octet))
    for (let i = 0; i < 2; i++) {
      expect((await peer.frame('reserveResponse')).status).toBe(RELAY_STATUS.OK)
      await peer.frame('reservation')
    }
  })

  it('whose peer says nothing is asked, and given up when nothing comes', async () => {
    await using quiet = await openTestRelay([], '--ping-interval', '1', '--idle-timeout', '3')
    using peer = await TestPeer.login(quiet.at)
    await peer.reserve()
    const { opaque } = await peer.frame('ping')
    peer.send({ type: 'pong', opaque })
    await peer.frame('ping')
    expect(await peer.frame('goaway')).toMatchObject({ status: RELAY_STATUS.IDLE_TIMEOUT })
    expect(await peer.over()).toBe('end')
    expect(quiet.relay.state.reservations.size).toBe(0)
  })

  it('that asks for more than anybody needs is answered all the same, in its time', async () => {
    using peer = await TestPeer.login(relay.at)
    const begun = performance.now()
    peer.write(Buffer.concat(Array.from({ length: 150 }, () => Buffer.of(1, 0, 0, 0))))
    for (let i = 0; i < 150; i++) {
      await peer.frame('reserveResponse')
      await peer.frame('reservation')
    }
    expect(performance.now() - begun).toBeGreaterThan(1000)
    peer.send({ type: 'ping', opaque: new Uint8Array(8) })
    await peer.frame('pong')
  })

  it('of a wanted life without leave to want one is malformed', async () => {
    using peer = await TestPeer.dial(relay.at)
    const hello = peer.hello({ capabilities: 0 })
    const challenge = await peer.greet(hello)
    peer.send({ type: 'auth', signature: peer.sign(hello, challenge) }, { type: 'reserve', ttl: 1 })
    await peer.frame('welcome')
    expect(await peer.frame('reserveResponse')).toMatchObject({ status: RELAY_STATUS.MALFORMED_MESSAGE })
    expect(await peer.frame('notice')).toMatchObject({ status: RELAY_STATUS.MALFORMED_MESSAGE })
  })
})
