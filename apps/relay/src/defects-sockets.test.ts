// What was wrong in the relay that this one was drawn after, and shows only with conns; the rest is in defects.test.ts.
import { randomBytes } from 'node:crypto'
import { formatNodeId, RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { openCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay } from './testing/test-relay.ts'

it('who begins a request and never ends it is not waited for', async () => {
  await using relay = await openTestRelay([], '--handshake-timeout', '500ms')
  using slow = await TestPeer.dial(relay.at)
  slow.write(Buffer.of(0x40))
  expect(await slow.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.TIMEOUT })
  expect(await slow.over()).toBe('end')
})

it('circuits that run at once keep to their rates, each by itself', async () => {
  await using relay = await openTestRelay([], '--circuit-rate', '300KB/s')
  const circuits = [await openCircuit(relay.at), await openCircuit(relay.at), await openCircuit(relay.at)]
  const begun = performance.now()
  const took = await Promise.all(
    circuits.map(async ({ source, destination }) => {
      source.write(randomBytes(400_000))
      await destination.octets(400_000)
      return performance.now() - begun
    }),
  )
  // 400 KB less a burst of 75 KB are more than a second for each, and not three for all together.
  for (const ms of took) expect(ms).toBeGreaterThan(1000)
  expect(Math.max(...took) - Math.min(...took)).toBeLessThan(2000)
  for (const circuit of circuits) circuit[Symbol.dispose]()
})

it('the end of one direction is passed on, and the other goes on', async () => {
  await using relay = await openTestRelay([])
  using circuit = await openCircuit(relay.at)
  const { source, destination } = circuit
  source.write('question')
  source.end()
  expect(String(await destination.rest())).toBe('question')
  destination.write('answer')
  destination.end()
  expect(String(await source.rest())).toBe('answer')
})

it('a destination is told by the relay alone who the source is, as that has proven it', async () => {
  await using relay = await openTestRelay([])
  using control = await TestPeer.login(relay.at)
  await control.reserve()
  using liar = await TestPeer.login(relay.at)
  // There is no frame in which a source could say who it is; one of the relay's is none of a client's.
  liar.send({
    ...{ type: 'incoming', circuitId: randomBytes(16), source: control.id, sourceKey: randomBytes(32) },
    ...{ token: randomBytes(32), acceptWithin: 1, duration: 0, data: 0 },
  })
  expect(await liar.frame('notice')).toMatchObject({ status: RELAY_STATUS.UNEXPECTED_MESSAGE })
  using source = await TestPeer.login(relay.at)
  using circuit = await openCircuit(relay.at, { control, source })
  expect(formatNodeId(circuit.incoming.source)).toBe(source.identity.id)
})

it('refused requests and reservations are counted', async () => {
  await using relay = await openTestRelay([])
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: randomBytes(32) })
  await source.frame('connectRefused')
  const text = await relay.program.metrics.registry.metrics()
  expect(text).toContain('sluice_relay_connect_requests_total{status="NO_RESERVATION"} 1')
})

it('a source stays where it is after a circuit that did not come about, and so does its destination', async () => {
  await using relay = await openTestRelay([], '--accept-timeout', '200ms')
  using control = await TestPeer.login(relay.at)
  await control.reserve()
  using source = await TestPeer.login(relay.at)
  for (let i = 0; i < 3; i++) {
    source.send({ type: 'connect', destination: control.id })
    await control.frame('incoming')
    expect((await source.frame('connectRefused')).status).toBe(RELAY_STATUS.TIMEOUT)
    await control.frame('circuitClosed')
  }
  expect((await control.reserve()).status).toBe(RELAY_STATUS.OK)
})
