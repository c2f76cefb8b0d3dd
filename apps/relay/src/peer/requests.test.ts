import { type Connected, nodeIdOf, RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { testIdentity } from '../testing/test-identity.ts'
import { portPair } from '../testing/port-pair.ts'
import { acceptFrame, connectedTo, connectFrame } from './requests.ts'

const { publicKey: peerKey } = testIdentity()
const peer = nodeIdOf(peerKey)
const [circuitId, token] = [new Uint8Array(16).fill(2), new Uint8Array(32).fill(3)]
const CONNECTED: Connected = { type: 'connected', circuitId, peer, peerKey, duration: 1, data: 2, rate: 3 }

it('asks and is connected', async () => {
  const [port, far] = portPair()
  port.send(connectFrame(peer))
  expect(await far.read()).toEqual({ type: 'connect', destination: peer })
  far.send({ type: 'notice', status: RELAY_STATUS.RATE_LIMITED, text: 'slowly' })
  far.send(CONNECTED)
  expect(await connectedTo(port, peer)).toEqual(CONNECTED)
})

it('tells why there is no circuit, and where to go instead', async () => {
  const [port, far] = portPair()
  const more = { retryAfter: 7, reason: 'circuits-total', address: 'tls://192.0.2.1:1' }
  far.send({ type: 'connectRefused', status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED, ...more })
  await expect(connectedTo(port, peer)).rejects.toMatchObject({
    code: 'RELAY_REFUSED',
    status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED,
    retryAfter: 7,
    address: 'tls://192.0.2.1:1',
  })
})

it.each([
  ['another peer', { peer: token, peerKey }],
  ['another key', { peer, peerKey: testIdentity().publicKey }],
])('takes no circuit to %s', async (_name, change) => {
  const [port, far] = portPair()
  far.send({ ...CONNECTED, ...change })
  await expect(connectedTo(port, peer)).rejects.toMatchObject({ code: 'RELAY_PROTOCOL' })
})

it('accepts what was offered', () => {
  const terms = { acceptWithin: 10, duration: 0, data: 0 }
  const incoming = { type: 'incoming', circuitId, source: peer, sourceKey: peerKey, token, ...terms } as const
  expect(acceptFrame(incoming)).toEqual({ type: 'accept', circuitId, token })
})
