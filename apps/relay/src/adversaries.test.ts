import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeRelayFrame, formatNodeId, type RelayFrame, RELAY_STATUS } from '@sluice/wire/relay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshIdentity } from './identity.ts'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

// Those who mean ill, at the door as it is. Signatures of other conns, keys and roles are in login.test.ts, tokens of
// other peers in door.test.ts, and a destination that is lied to by its relay in peer/control.test.ts.

const { AUTHENTICATION_FAILED, INVALID_TOKEN, RATE_LIMITED, TIMEOUT, UNEXPECTED_MESSAGE } = RELAY_STATUS
const octets = (...frames: RelayFrame[]): Buffer =>
  Buffer.concat(frames.map((frame) => encodeRelayFrame(frame)))

let relay: TestRelay
/** Which waits for nobody long. */
let hasty: TestRelay
const WITHIN_MS = 500
beforeAll(async () => {
  const listen = ['--listen', 'any://127.0.0.1:0'] as const
  relay = await openTestRelay([], ...listen)
  hasty = await openTestRelay([], ...listen, '--handshake-timeout', `${WITHIN_MS}ms`, '--idle-timeout', '1')
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  await hasty[Symbol.asyncDispose]()
})

describe('who somebody is', () => {
  it('is what they have proven: a source has no place to say otherwise', async () => {
    using victim = await TestPeer.login(relay.at)
    using control = await TestPeer.login(relay.at)
    await control.reserve()
    using attacker = await TestPeer.login(relay.at)
    attacker.send({ type: 'connect', destination: control.id })
    const { source, sourceKey } = await control.frame('incoming')
    expect(formatNodeId(source)).toBe(attacker.identity.id)
    expect(Buffer.from(sourceKey).equals(attacker.identity.publicKey)).toBe(true)
    using forger = await TestPeer.login(relay.at)
    forger.send({
      ...{ type: 'incoming', circuitId: randomBytes(16), source: victim.id, token: randomBytes(32) },
      ...{ sourceKey: victim.identity.publicKey, acceptWithin: 10, duration: 0, data: 0 },
    })
    expect(await forger.frame('notice')).toMatchObject({ status: UNEXPECTED_MESSAGE })
    control.send({ type: 'ping', opaque: new Uint8Array(8) })
    await control.frame('pong')
  })

  it('is not proven to one relay by what was signed for another', async () => {
    await using other = await openTestRelay([])
    using victim = await TestPeer.dial(other.at)
    const hello = victim.hello({ capabilities: 0 })
    const challenge = await victim.greet(hello)
    // The other relay passes on what the victim says, and asks it to sign a challenge of its own.
    using thief = await TestPeer.dial(relay.at, { identity: victim.identity })
    await thief.greet(hello)
    thief.send({ type: 'auth', signature: victim.sign(hello, challenge) })
    expect(await thief.frame('unwelcome')).toMatchObject({ status: AUTHENTICATION_FAILED })
  })

  it('is not proven where somebody in between has changed the versions', async () => {
    using peer = await TestPeer.dial(relay.at)
    const hello = peer.hello({ maxVersion: 2 })
    const challenge = await peer.greet({ ...hello, maxVersion: 1 })
    peer.send({ type: 'auth', signature: peer.sign(hello, challenge) })
    expect(await peer.frame('unwelcome')).toMatchObject({ status: AUTHENTICATION_FAILED })
  })

  it('is not proven over TLS by what was signed without it', async () => {
    using peer = await TestPeer.dial(relay.at, { transport: 'tls' })
    const hello = peer.hello()
    const challenge = await peer.greet(hello)
    // Somebody in between has told the victim that this relay does not bind.
    peer.send({ type: 'auth', signature: peer.sign(hello, { ...challenge, capabilities: 0 }) })
    expect(await peer.frame('unwelcome')).toMatchObject({ status: AUTHENTICATION_FAILED })
  })
})

it('a token that comes many times at once is good for one', async () => {
  using control = await TestPeer.login(relay.at)
  await control.reserve()
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: control.id })
  const { circuitId, token } = await control.frame('incoming')
  const { identity } = control
  const ends = await Promise.all(Array.from({ length: 8 }, () => TestPeer.login(relay.at, { identity })))
  for (const end of ends) end.send({ type: 'accept', circuitId, token })
  const told = await Promise.all(ends.map((end) => end.read()))
  const statuses = told.map((frame) => ('status' in frame ? frame.status : frame.type))
  expect(statuses).toContain('connected')
  expect(statuses.filter((status) => status === INVALID_TOKEN)).toHaveLength(7)
  for (const end of ends) end[Symbol.dispose]()
})

it('one key in many programs is one reservation, and those who fight for it are told', async () => {
  const identity = freshIdentity()
  const rivals = await Promise.all(Array.from({ length: 12 }, () => TestPeer.login(relay.at, { identity })))
  for (const rival of rivals) rival.send({ type: 'reserve', ttl: 0 })
  const told = await Promise.all(rivals.map((rival) => rival.frame('reserveResponse')))
  const refused = told.filter(({ status }) => status === RATE_LIMITED)
  expect(refused).toHaveLength(8)
  expect(
    relay.relay.state.reservations.list().filter(({ control }) => control.peer.id === identity.id),
  ).toHaveLength(1)
  // Circuits go to the one that holds it at last.
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: identity.nodeId })
  await expect.poll(() => relay.relay.state.circuits.pending, { interval: 1 }).toBe(1)
  for (const rival of rivals) rival[Symbol.dispose]()
})

describe.concurrent('who is slow', () => {
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n'

  const closed = (socket: Socket): Promise<void> =>
    new Promise(
      (resolve) =>
        void socket
          .resume()
          .on('error', () => {})
          .on('close', () => resolve()),
    )
  const isInTime = (begun: number): boolean => performance.now() - begun < 4 * WITHIN_MS

  /** The phase, how to get there, and octets that are never all sent. */
  const phases: [string, (peer: TestPeer) => Promise<unknown> | undefined, Buffer][] = [
    ['HELLO', () => undefined, octets(helloOf())],
    ['AUTH', (peer) => peer.greet(peer.hello()), octets({ type: 'auth', signature: new Uint8Array(64) })],
    ['the first request', (peer) => peer.login(), octets({ type: 'reserve', ttl: 0 })],
    [
      'ACCEPT',
      (peer) => peer.login(),
      octets({ type: 'accept', circuitId: new Uint8Array(16), token: new Uint8Array(32) }),
    ],
  ]

  it.each(phases)('in %s is cut off in time, although octets keep coming', async (_phase, reach, whole) => {
    const begun = performance.now()
    using peer = await TestPeer.dial(hasty.at)
    await reach(peer)
    let isOver = false
    const ending = peer.over().then(() => (isOver = true))
    for (const octet of whole.subarray(0, -1)) {
      if (isOver) break
      peer.write(Buffer.of(octet))
      await delay(WITHIN_MS / 3)
    }
    await ending
    expect(isInTime(begun)).toBe(true)
    expect(await peer.read()).toMatchObject({ status: TIMEOUT })
  })

  it.each([
    ['TLS', Buffer.from('1603010200010001fc0303', 'hex')],
    ['HTTP', Buffer.from(get)],
    ['PING', Buffer.of(0x12)],
  ])('in %s is cut off in time', async (_phase, first) => {
    const begun = performance.now()
    const socket = connect(hasty.at)
    const trickle = setInterval(() => void (socket.writable && socket.write('\0')), WITHIN_MS / 5)
    socket.write(first)
    await closed(socket)
    clearInterval(trickle)
    expect(isInTime(begun)).toBe(true)
  })

  it('inside of TLS is cut off in time', async () => {
    const begun = performance.now()
    const socket = tlsConnect({ ...hasty.at, rejectUnauthorized: false })
    socket.write(get)
    await closed(socket)
    expect(isInTime(begun)).toBe(true)
  })

  it('between two CONNECTs is cut off when nothing whole comes', async () => {
    using peer = await TestPeer.login(hasty.at)
    peer.send({ type: 'connect', destination: randomBytes(32) })
    await peer.frame('connectRefused')
    peer.write(Buffer.of(4, 32))
    expect(await peer.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.IDLE_TIMEOUT })
  })
})

describe('who does not read', () => {
  it('makes the other wait, costs the relay no memory, and is reset when nothing moves any more', async () => {
    await using relay = await openTestRelay([], '--preset', 'private', '--circuit-idle-timeout', '1')
    using circuit = await openCircuit(relay.at)
    circuit.destination.conn.pause()
    const before = process.memoryUsage().arrayBuffers
    const chunk = Buffer.alloc(1 << 20, 1)
    for (let i = 0; i < 64; i += 1) circuit.source.conn.write(chunk)
    const [run] = [...relay.relay.circuits.runs.all()]
    expect(await circuit.source.over()).toBe('reset')
    // What the system's buffers take, and one read of ours.
    expect(run!.counts.up).toBeLessThan(32 << 20)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20)
    expect(await circuit.control.frame('circuitClosed')).toMatchObject({ status: RELAY_STATUS.IDLE_TIMEOUT })
    circuit.destination.conn.resume()
    expect(await circuit.destination.over()).toBe('reset')
  })
})

describe('strangers that flood', () => {
  const strangers = (at: { host: string; port: number }, count: number): Promise<Socket[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect(at)
        socket.on('error', () => {}).resume()
        await once(socket, 'connect')
        return socket
      }),
    )

  it('have so many places of an address; peers that are inside lose nothing, and others come in later', async () => {
    await using relay = await openTestRelay([], '--unauthenticated-per-ip', '20')
    using circuit = await openCircuit(relay.at)
    const sockets = await strangers(relay.at, 60)
    const isOver = (socket: Socket): boolean => socket.closed || socket.destroyed
    await expect.poll(() => sockets.filter(isOver).length, { interval: 1 }).toBe(40)
    circuit.source.write('still')
    expect(String(await circuit.destination.octets(5))).toBe('still')
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(() => TestPeer.login(relay.at).then((peer) => peer[Symbol.dispose]() ?? 'in', String), {
        interval: 20,
      })
      .toBe('in')
  })

  it('with keys and no proof, or garbage, leave nothing behind', async () => {
    const { host, port } = relay.at
    const flood = Array.from({ length: 300 }, async (_, at) => {
      const socket = connect(port, host)
      socket.on('error', () => {}).resume()
      socket.end(at % 2 === 0 ? octets(helloOf()) : randomBytes(200))
      await once(socket, 'close')
    })
    await Promise.all(flood)
    using peer = await TestPeer.login(relay.at)
    expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
    expect(relay.relay.controls.all.size).toBe(1)
  })
})

function helloOf(): RelayFrame {
  const { publicKey } = freshIdentity()
  return { type: 'hello', minVersion: 1, maxVersion: 1, capabilities: 0, publicKey, nonce: randomBytes(32) }
}
