import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { formatNodeId, type RelayTransport, RELAY_STATUS } from '@sluice/wire/relay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

const TRANSPORTS: readonly RelayTransport[] = ['tcp', 'tls', 'ws', 'wss']
const LISTEN = ['any', ...TRANSPORTS].map((door) => `${door}://127.0.0.1:0`).join(',')

let relay: TestRelay
beforeAll(async () => {
  relay = await openTestRelay([], '--listen', LISTEN, '--preset', 'private', '--circuit-bytes', '300000')
})
afterAll(() => relay[Symbol.asyncDispose]())

const pairs = TRANSPORTS.flatMap((from) => TRANSPORTS.map((to) => [from, to] as const))

describe('one port for all', () => {
  it.each(pairs)('a circuit from %s to %s: octets, half-close, and a limit is a reset', async (from, to) => {
    const { at } = relay
    using control = await TestPeer.login(at, { transport: to })
    await control.reserve()
    using source = await TestPeer.login(at, { transport: from })
    using circuit = await openCircuit(at, { control, source, dial: { transport: to } })
    const { destination } = circuit
    const there = randomBytes(200_000)
    source.write(there)
    source.end()
    expect((await destination.rest()).equals(there)).toBe(true)
    destination.write('and back')
    expect(String(await source.octets(8))).toBe('and back')
    destination.write(randomBytes(300_000))
    expect(await source.over()).toBe('reset')
    expect(await control.frame('circuitClosed')).toMatchObject({
      status: RELAY_STATUS.DATA_LIMIT,
      up: 200_000,
      down: 300_000,
    })
  })

  it('tells a WebSocket by its close code why a circuit was cut', async () => {
    const { at } = relay
    using source = await TestPeer.login(at, { transport: 'ws' })
    using circuit = await openCircuit(at, { source })
    circuit.destination.write(randomBytes(300_001))
    await source.over()
    expect(source.error).toMatchObject({ closeCode: 4000 + RELAY_STATUS.DATA_LIMIT })
  })
})

describe('a listener of one transport', () => {
  it.each(TRANSPORTS)('%s takes its own', async (transport) => {
    using peer = await TestPeer.login(relay.doors[transport]!, { transport })
    expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
  })

  it.each(TRANSPORTS)('%s refuses the others', async (door) => {
    for (const transport of TRANSPORTS.filter((other) => other !== door)) {
      await expect(TestPeer.login(relay.doors[door]!, { transport }), transport).rejects.toThrow(Error)
    }
  })
})

it('binds proofs to the TLS below, so that what is said on one conn is of no use on another', async () => {
  using peer = await TestPeer.dial(relay.at, { transport: 'tls' })
  const hello = peer.hello()
  const challenge = await peer.greet(hello)
  using other = await TestPeer.dial(relay.at, { transport: 'tls', identity: peer.identity })
  const otherHello = other.hello({ nonce: hello.nonce })
  await other.greet(otherHello)
  other.send({ type: 'auth', signature: peer.sign(hello, challenge) })
  expect(await other.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.AUTHENTICATION_FAILED })
})

it('lets a peer with a certificate over its key speak without HELLO', async () => {
  const { at } = relay
  using control = await TestPeer.dial(at, { transport: 'tls', certificate: true })
  control.send({ type: 'reserve', ttl: 0 })
  expect((await control.frame('reserveResponse')).status).toBe(RELAY_STATUS.OK)
  using source = await TestPeer.dial(at, { transport: 'tls', certificate: true })
  source.send({ type: 'connect', destination: control.id })
  const { circuitId, token, source: from } = await control.frame('incoming')
  expect(formatNodeId(from)).toBe(source.identity.id)
  using destination = await TestPeer.dial(at, {
    transport: 'tls',
    certificate: true,
    identity: control.identity,
  })
  destination.send({ type: 'accept', circuitId, token })
  await destination.frame('connected')
  await source.frame('connected')
  source.write('seed')
  expect(String(await destination.octets(4))).toBe('seed')
})

it('lets nobody speak without HELLO who has shown no certificate', async () => {
  using peer = await TestPeer.dial(relay.at, { transport: 'tls' })
  peer.send({ type: 'reserve', ttl: 0 })
  expect(await peer.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.AUTHENTICATION_FAILED })
})

it('shows whoever comes with a browser what this is', async () => {
  for (const door of ['any', 'ws', 'tcp']) {
    const { host, port } = relay.doors[door]!
    const response = await fetch(`http://${host}:${port}/`)
    expect([response.status, await response.text()], door).toEqual([200, expect.stringContaining('a relay')])
  }
})

it('lets web pages come from this machine alone, until others are listed', async () => {
  const { at } = relay
  using near = await TestPeer.login(at, { transport: 'ws', origin: 'http://localhost:8080' })
  expect(near.closed).toBe(false)
  const far = { transport: 'ws', origin: 'https://example.org' } as const
  await expect(TestPeer.login(at, far)).rejects.toThrow('403')
  await using open = await openTestRelay(
    [],
    '--listen',
    'ws://127.0.0.1:0',
    '--origin',
    'https://example.org',
  )
  using listed = await TestPeer.login(open.at, far)
  expect(listed.closed).toBe(false)
})

it('takes a token that browsers can send in the URL alone', async () => {
  const token = 'a-token-of-alice-with-bits'
  const hash = createHash('sha256').update(token).digest('hex')
  const alice = { name: 'alice', credentials: [{ kind: 'token' as const, hash }] }
  await using closed = await openTestRelay([alice], '--listen', 'ws://127.0.0.1:0')
  using peer = await TestPeer.login(closed.at, { transport: 'ws', path: `/?token=${token}` })
  expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
  await expect(TestPeer.login(closed.at, { transport: 'ws' })).rejects.toThrow('unwelcome')
})

it('does not wait for ever for TLS that does not come', async () => {
  await using hasty = await openTestRelay([], '--listen', 'any://127.0.0.1:0', '--handshake-timeout', '200ms')
  const { host, port } = hasty.at
  for (const first of [Buffer.of(0x16), Buffer.from('G'), Buffer.of(0x40), Buffer.alloc(0)]) {
    const socket = connect(port, host)
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(first)
    await once(socket.resume(), 'close')
  }
})
