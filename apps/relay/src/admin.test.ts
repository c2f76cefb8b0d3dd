import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

const TOKEN = 'a-token-of-an-operator'

interface Answer {
  readonly status: number
  readonly body: unknown
}

const ask = async ({ ops }: TestRelay, method: string, path: string, body?: object): Promise<Answer> => {
  const headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const response = await fetch(`http://${ops.host}:${ops.port}${path}`, init)
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

it('tells anybody how much goes on, and nobody who', async () => {
  await using relay = await openTestRelay([])
  using circuit = await openCircuit(relay.at)
  circuit.source.write('0123456789')
  await circuit.destination.octets(10)
  const response = await fetch(`http://${relay.ops.host}:${relay.ops.port}/status`)
  const status = (await response.json()) as object
  expect(status).toMatchObject({ reservations: 1, circuits: 1, pendingCircuits: 0, kbps10s: 0, version: '' })
  expect(JSON.stringify(status)).not.toContain(circuit.control.identity.id)
})

it('does nothing without its token, and is not there where there is none', async () => {
  await using relay = await openTestRelay([], '--admin-token', 'another-token-than-that')
  for (const [method, path] of [
    ['GET', '/v1/relay/reservations'],
    ['POST', '/v1/relay/drain'],
    ['DELETE', '/v1/relay/bans/127.0.0.1'],
  ] as const) {
    expect((await ask(relay, method, path)).status, path).toBe(401)
  }
  await using other = await openTestRelay([])
  expect((await ask(other, 'GET', '/v1/relay/reservations')).status).toBe(404)
})

it('lists and closes reservations and circuits', async () => {
  await using relay = await openTestRelay([], '--admin-token', TOKEN)
  using circuit = await openCircuit(relay.at)
  const { source, destination, control } = circuit
  const { body: reservations } = await ask(relay, 'GET', '/v1/relay/reservations')
  expect(reservations).toMatchObject([{ id: control.identity.id, ip: '127.0.0.1', circuits: 1 }])
  const { body } = await ask(relay, 'GET', '/v1/relay/circuits')
  expect(body).toMatchObject([
    { source: source.identity.id, destination: control.identity.id, state: 'open', up: 0 },
  ])
  const [{ key } = { key: '' }] = body as { key: string }[]
  expect((await ask(relay, 'DELETE', `/v1/relay/circuits/${key}`)).status).toBe(204)
  expect(await source.over()).toBe('reset')
  expect(await destination.over()).toBe('reset')
  expect(await control.frame('circuitClosed')).toMatchObject({ status: RELAY_STATUS.ADMIN_CLOSED })
  expect((await ask(relay, 'DELETE', `/v1/relay/circuits/${key}`)).status).toBe(404)
  expect((await ask(relay, 'DELETE', `/v1/relay/reservations/${control.identity.id}`)).status).toBe(204)
  expect(await control.frame('goaway')).toMatchObject({ status: RELAY_STATUS.ADMIN_CLOSED })
  expect(relay.relay.state.reservations.size).toBe(0)
})

it('bans a peer: what it has is cut, and it does not come in again until the ban is lifted', async () => {
  await using relay = await openTestRelay([], '--admin-token', TOKEN)
  using circuit = await openCircuit(relay.at)
  const { source, destination, control } = circuit
  const { id: subject } = control.identity
  expect((await ask(relay, 'POST', '/v1/relay/bans', { subject, reason: 'noise' })).status).toBe(204)
  expect(await control.frame('goaway')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
  expect([await source.over(), await destination.over()]).toEqual(['reset', 'reset'])
  using again = await TestPeer.dial(relay.at, { identity: control.identity })
  again.send(again.hello())
  expect(await again.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
  expect((await ask(relay, 'GET', '/v1/relay/bans')).body).toEqual([{ subject, reason: 'noise' }])
  expect((await ask(relay, 'DELETE', `/v1/relay/bans/${subject}`)).status).toBe(204)
  using later = await TestPeer.login(relay.at, { identity: control.identity })
  expect((await later.reserve()).status).toBe(RELAY_STATUS.OK)
  expect((await ask(relay, 'POST', '/v1/relay/bans', { subject: 'nobody' })).status).toBe(400)
})

it('bans a peer that waits between two circuits, too', async () => {
  await using relay = await openTestRelay([], '--admin-token', TOKEN)
  using control = await TestPeer.login(relay.at)
  await control.reserve()
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: randomBytes(32) })
  await source.frame('connectRefused')
  const { id: subject } = source.identity
  expect((await ask(relay, 'POST', '/v1/relay/bans', { subject })).status).toBe(204)
  source.send({ type: 'connect', destination: control.id })
  expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
  expect(await source.over()).toBe('end')
})

it('bans a peer although nothing can be kept of it', async () => {
  await using relay = await openTestRelay([], '--admin-token', TOKEN)
  using circuit = await openCircuit(relay.at)
  mkdirSync(join(relay.data, 'relay-bans.json'))
  const { id: subject } = circuit.control.identity
  expect((await ask(relay, 'POST', '/v1/relay/bans', { subject })).status).toBe(500)
  expect(await circuit.control.frame('goaway')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
  expect(await circuit.source.over()).toBe('reset')
})

it('drains: peers are told where to go, and nobody new is taken, while circuits go on', async () => {
  await using relay = await openTestRelay([], '--admin-token', TOKEN)
  using circuit = await openCircuit(relay.at)
  const address = 'tls://other.example:443'
  expect((await ask(relay, 'POST', '/v1/relay/drain', { address: 'nowhere' })).status).toBe(400)
  expect((await ask(relay, 'POST', '/v1/relay/drain', { address })).status).toBe(204)
  expect(await circuit.control.frame('goaway')).toMatchObject({ status: RELAY_STATUS.SHUTTING_DOWN, address })
  using late = await TestPeer.login(relay.at)
  expect((await late.reserve()).status).toBe(RELAY_STATUS.SHUTTING_DOWN)
  circuit.source.write('still here')
  expect(String(await circuit.destination.octets(10))).toBe('still here')
  const readiness = await ask(relay, 'GET', '/readyz')
  expect(readiness).toEqual({ status: 503, body: { status: 'not ready', reason: 'draining' } })
  expect((await ask(relay, 'DELETE', '/v1/relay/drain')).status).toBe(204)
  expect((await late.reserve()).status).toBe(RELAY_STATUS.OK)
  expect((await ask(relay, 'GET', '/readyz')).status).toBe(200)
})
