import { randomBytes } from 'node:crypto'
import { nodeIdOf, RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { testIdentity } from '../testing/test-identity.ts'
import { nodeVerify } from '../client/node-verify.ts'
import { FakeRelay, WELCOME } from '../testing/fake-relay.ts'
import { portPair } from '../testing/port-pair.ts'
import { login, type LoginOptions } from './login.ts'

const identity = testIdentity()
const [binding, otherBinding] = [randomBytes(32), randomBytes(32)]

const meet = (
  relay: FakeRelay,
  options: Partial<LoginOptions> = {},
  bindings: readonly (Uint8Array | undefined)[] = [],
) => {
  const [port, far] = portPair(bindings)
  const served = relay.login(far)
  // Where the peer gives up, so does the relay.
  served.catch(() => {})
  const loggedIn = login(port, { identity, verify: nodeVerify, random: randomBytes, ...options })
  return { port, far, served, loggedIn }
}

it.each([
  ['without TLS', []],
  ['bound to TLS', [binding, binding]],
  ['where only the peer sees TLS', [binding, undefined]],
])('logs in %s', async (_name, bindings) => {
  const relay = new FakeRelay()
  const { loggedIn, served } = meet(relay, { relay: nodeIdOf(relay.identity.publicKey) }, bindings)
  const { welcome, relayKey, relayId } = await loggedIn
  expect([welcome, relayKey, relayId]).toEqual([
    WELCOME,
    relay.identity.publicKey,
    nodeIdOf(relay.identity.publicKey),
  ])
  expect((await served).hello.publicKey).toEqual(identity.publicKey)
})

it('sends its token, and the first request right behind it', async () => {
  const relay = new FakeRelay()
  const token = Buffer.from('let me in')
  const { loggedIn, served, port, far } = meet(relay, { token, first: { type: 'reserve', ttl: 0 } })
  expect((await served).token).toEqual(new Uint8Array(token))
  await loggedIn
  expect(port.sent.map(({ type }) => type)).toEqual(['hello', 'auth', 'reserve'])
  expect(await far.read()).toEqual({ type: 'reserve', ttl: 0 })
})

it('tells nothing to another relay than the one that was pinned', async () => {
  const { loggedIn, port } = meet(new FakeRelay(), { relay: randomBytes(32) })
  await expect(loggedIn).rejects.toMatchObject({ code: 'RELAY_IDENTITY' })
  expect(port.sent.map(({ type }) => type)).toEqual(['hello'])
})

it.each([
  ['nonce', { nonce: randomBytes(32) }],
  ['capabilities', { capabilities: 0 }],
  ['key', { publicKey: testIdentity().publicKey }],
  ['signature', { signature: new Uint8Array(64) }],
])('takes no CHALLENGE whose %s was changed', async (_name, change) => {
  const relay = new FakeRelay()
  relay.tamper = (challenge) => ({ ...challenge, ...change })
  await expect(meet(relay).loggedIn).rejects.toMatchObject({ code: 'RELAY_IDENTITY' })
})

it('notices who stands between two TLS connections', async () => {
  const { loggedIn } = meet(new FakeRelay(), {}, [binding, otherBinding])
  await expect(loggedIn).rejects.toMatchObject({ code: 'RELAY_IDENTITY' })
})

it('goes without a binding only where it may', async () => {
  const relay = new FakeRelay()
  relay.capabilities = 0
  const { loggedIn } = meet(relay, { mustBind: true }, [binding, binding])
  await expect(loggedIn).rejects.toMatchObject({ code: 'RELAY_IDENTITY' })
  await meet(relay, {}, [binding, binding]).loggedIn
})

it('takes no version that it has not offered', async () => {
  const relay = new FakeRelay()
  relay.tamper = (challenge) => ({ ...challenge, version: 2 })
  await expect(meet(relay).loggedIn).rejects.toMatchObject({ code: 'RELAY_PROTOCOL' })
})

it('tells why it was not welcome', async () => {
  const relay = new FakeRelay()
  relay.welcome = { type: 'unwelcome', status: RELAY_STATUS.PERMISSION_DENIED, reason: 'not on the list' }
  await expect(meet(relay).loggedIn).rejects.toMatchObject({
    code: 'RELAY_REFUSED',
    status: RELAY_STATUS.PERMISSION_DENIED,
    message: 'the relay refused: PERMISSION_DENIED, not on the list',
  })
})

it('answers pings, passes over notices and obeys a GOAWAY', async () => {
  const [port, far] = portPair()
  const loggedIn = login(port, { identity, verify: nodeVerify, random: randomBytes })
  await far.read()
  const opaque = new Uint8Array(8)
  far.send({ type: 'ping', opaque })
  far.send({ type: 'notice', status: 0, text: 'hello' })
  expect(await far.read()).toEqual({ type: 'pong', opaque })
  const address = 'tls://192.0.2.1:1'
  far.send({ type: 'goaway', status: RELAY_STATUS.REDIRECT, reconnectAfterMs: 1500, tryForMs: 1, address })
  await expect(loggedIn).rejects.toMatchObject({
    code: 'RELAY_GOAWAY',
    status: RELAY_STATUS.REDIRECT,
    retryAfter: 2,
    address,
  })
})

it('has no use for other frames, and ends with its connection', async () => {
  const [port, far] = portPair()
  const confused = login(port, { identity, verify: nodeVerify, random: randomBytes })
  far.send({ type: 'release' })
  await expect(confused).rejects.toMatchObject({ code: 'RELAY_PROTOCOL' })
  const [other, gone] = portPair()
  const lost = login(other, { identity, verify: nodeVerify, random: randomBytes })
  gone.close()
  await expect(lost).rejects.toMatchObject({ code: 'RELAY_CLOSED' })
})
