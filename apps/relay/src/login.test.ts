import { randomBytes } from 'node:crypto'
import { CAPABILITY, encodeRelayFrame, type RelayFrame, RELAY_STATUS } from '@sluice/wire/relay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

let relay: TestRelay
beforeAll(async () => {
  relay = await openTestRelay([], '--preset', 'private')
})
afterAll(() => relay[Symbol.asyncDispose]())

/** What a fresh conn is told for these octets. */
const toldFor = async (...octets: Uint8Array[]): Promise<RelayFrame> => {
  using peer = await TestPeer.dial(relay.at)
  for (const each of octets) peer.write(each)
  const frame = await peer.read()
  expect(await peer.over()).toBe('end')
  return frame
}

const bytesOf = (frame: RelayFrame): Buffer => Buffer.from(encodeRelayFrame(frame))

describe('before HELLO', () => {
  it.each([
    ['an unknown type', Buffer.of(0x99, 0, 0, 0)],
    ['a reserved octet', Buffer.of(0x40, 1, 0, 68)],
    ['a body that is too long', Buffer.of(0x40, 0, 2, 1)],
    ['a body that is too short', Buffer.concat([Buffer.of(0x40, 0, 0, 3), Buffer.alloc(3)])],
    ['a CONNECT to something else than a NodeID', Buffer.of(4, 31)],
    ['a CONNECT to nobody', Buffer.concat([Buffer.of(4, 32), Buffer.alloc(32)])],
  ])('%s is malformed', async (_what, octets) => {
    expect(await toldFor(octets)).toMatchObject({ type: 'unwelcome', status: RELAY_STATUS.MALFORMED_MESSAGE })
  })

  it.each([
    ['RESERVE', Buffer.of(1, 0, 0, 0)],
    ['CONNECT', Buffer.concat([Buffer.of(4, 32), Buffer.alloc(32, 1)])],
    ['ACCEPT', Buffer.concat([Buffer.of(0x0b, 0, 0, 48), Buffer.alloc(48, 1)])],
  ])('%s wants a proof', async (_what, octets) => {
    expect(await toldFor(octets)).toMatchObject({ status: RELAY_STATUS.AUTHENTICATION_FAILED })
  })

  it.each([
    ['PING', bytesOf({ type: 'ping', opaque: new Uint8Array(8) })],
    ['RELEASE', bytesOf({ type: 'release' })],
    ['GOAWAY', Buffer.concat([Buffer.of(0x15, 1, 0, 8), Buffer.alloc(8)])],
  ])('%s has no place', async (_what, octets) => {
    expect(await toldFor(octets)).toMatchObject({ status: RELAY_STATUS.UNEXPECTED_MESSAGE })
  })
})

describe('HELLO', () => {
  it('of a version that is not there is told so', async () => {
    using peer = await TestPeer.dial(relay.at)
    peer.send(peer.hello({ minVersion: 2, maxVersion: 9 }))
    expect(await peer.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.UNSUPPORTED_VERSION })
  })

  it('is answered with the newest version, and with no more capabilities than there are', async () => {
    using peer = await TestPeer.dial(relay.at)
    const challenge = await peer.greet(peer.hello({ maxVersion: 255, capabilities: 0xffff }))
    expect(challenge).toMatchObject({ version: 1, capabilities: CAPABILITY.TTL_REQUEST })
  })

  it('with a key that is none is refused before anything is signed', async () => {
    using peer = await TestPeer.dial(relay.at)
    // Not the y of any point of the curve.
    peer.send(peer.hello({ publicKey: new Uint8Array(32).fill(2) }))
    expect(['unwelcome', 'challenge']).toContain((await peer.read()).type)
  })
})

describe('AUTH', () => {
  it('may come octet by octet, and its first request in the same piece', async () => {
    using peer = await TestPeer.dial(relay.at)
    const hello = peer.hello()
    for (const octet of bytesOf(hello)) peer.write(Buffer.of(octet))
    const challenge = await peer.frame('challenge')
    const signature = peer.sign(hello, challenge)
    peer.write(Buffer.concat([bytesOf({ type: 'auth', signature }), Buffer.of(1, 0, 0, 0)]))
    await peer.frame('welcome')
    expect((await peer.frame('reserveResponse')).status).toBe(RELAY_STATUS.OK)
  })

  it('with a signature that is none, of another key, of another conn or of the relay itself fails', async () => {
    using old = await TestPeer.dial(relay.at)
    const oldHello = old.hello()
    const oldChallenge = await old.greet(oldHello)
    const stolen = old.sign(oldHello, oldChallenge)
    using stranger = await TestPeer.dial(relay.at)
    for (const wrong of ['random', 'other key', 'replayed', 'reflected'] as const) {
      using peer = await TestPeer.dial(relay.at, { identity: old.identity })
      const hello = peer.hello({ nonce: oldHello.nonce })
      const challenge = await peer.greet(hello)
      const signature = {
        random: randomBytes(64),
        'other key': stranger.sign(hello, challenge),
        replayed: stolen,
        reflected: challenge.signature,
      }[wrong]
      peer.send({ type: 'auth', signature })
      expect(await peer.frame('unwelcome'), wrong).toMatchObject({
        status: RELAY_STATUS.AUTHENTICATION_FAILED,
      })
      expect(await peer.over()).toBe('end')
    }
  })

  it('cannot be talked down: what was changed on the way of HELLO and CHALLENGE is in what is signed', async () => {
    using peer = await TestPeer.dial(relay.at)
    const hello = peer.hello()
    // Somebody in between asks for less than the peer did.
    const challenge = await peer.greet({ ...hello, capabilities: 0 })
    peer.send({ type: 'auth', signature: peer.sign(hello, challenge) })
    expect(await peer.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.AUTHENTICATION_FAILED })
  })

  it('has to come in the place of AUTH', async () => {
    using peer = await TestPeer.dial(relay.at)
    await peer.greet(peer.hello())
    peer.send({ type: 'reserve', ttl: 0 })
    expect(await peer.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.UNEXPECTED_MESSAGE })
  })

  it('with a token that is nobody’s is refused', async () => {
    using peer = await TestPeer.dial(relay.at)
    const hello = peer.hello()
    const challenge = await peer.greet(hello)
    peer.send({ type: 'auth', signature: peer.sign(hello, challenge), token: randomBytes(16) })
    expect(await peer.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.AUTHENTICATION_FAILED })
  })
})

describe('WELCOME', () => {
  it('tells what holds, and from where the peer is seen', async () => {
    using peer = await TestPeer.dial(relay.at)
    expect(await peer.login()).toMatchObject({
      pingInterval: 30,
      idleTimeout: 120,
      duration: 0,
      data: 0,
      rate: 0,
      circuits: 0,
      observed: `127.0.0.1:${peer.conn.local.port}`,
    })
  })

  it('may be followed by pings, and then by what the conn is for', async () => {
    using peer = await TestPeer.login(relay.at)
    const opaque = randomBytes(8)
    peer.send({ type: 'ping', opaque })
    expect(Buffer.from((await peer.frame('pong')).opaque).equals(opaque)).toBe(true)
    expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
  })

  it.each([
    ['nothing known', Buffer.of(0x99), RELAY_STATUS.MALFORMED_MESSAGE],
    ['a frame that is too long', Buffer.of(0x0c, 0, 0x10, 1), RELAY_STATUS.MALFORMED_MESSAGE],
    ['RELEASE', Buffer.of(8, 0, 0, 0), RELAY_STATUS.UNEXPECTED_MESSAGE],
    ['a second HELLO', bytesOf(helloOf()), RELAY_STATUS.UNEXPECTED_MESSAGE],
  ])('followed by %s ends with a notice', async (_what, octets, status) => {
    using peer = await TestPeer.login(relay.at)
    peer.write(octets)
    expect(await peer.frame('notice')).toMatchObject({ status })
    expect(await peer.over()).toBe('end')
  })
})

function helloOf(): RelayFrame {
  const [publicKey, nonce] = [randomBytes(32), randomBytes(32)]
  return { type: 'hello', minVersion: 1, maxVersion: 1, capabilities: 0, publicKey, nonce }
}

it('waits for nobody for ever, whatever they have said', async () => {
  await using hasty = await openTestRelay([], '--handshake-timeout', '1')
  using silent = await TestPeer.dial(hasty.at)
  using half = await TestPeer.dial(hasty.at)
  half.write(Buffer.of(0x40, 0, 0))
  using greeted = await TestPeer.dial(hasty.at)
  await greeted.greet(greeted.hello())
  using inside = await TestPeer.login(hasty.at)
  expect(await silent.over()).toBe('end')
  for (const peer of [half, greeted]) {
    expect(await peer.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.TIMEOUT })
  }
  expect(await inside.frame('notice')).toMatchObject({ status: RELAY_STATUS.TIMEOUT })
})
