import { RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { MemoryPresence, type Presence } from './presence.ts'
import { TestPeer } from './testing/test-peer.ts'
import { openTestRelayWith } from './testing/test-relay.ts'

it('sends a source to the relay that has the peer, for as long as it does', async () => {
  const presence = new MemoryPresence()
  await using here = await openTestRelayWith({ presence }, [])
  await using there = await openTestRelayWith({ presence }, [])
  using control = await TestPeer.login(there.at)
  await control.reserve()
  using source = await TestPeer.login(here.at)
  source.send({ type: 'connect', destination: control.id })
  const { address } = there
  expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.REDIRECT, address })
  control.send({ type: 'release' }, { type: 'ping', opaque: new Uint8Array(8) })
  await control.frame('pong')
  source.send({ type: 'connect', destination: control.id })
  expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.NO_RESERVATION })
})

it('goes on as if alone where nobody can be asked, and says so', async () => {
  const gone = (): Promise<never> => Promise.reject(new Error('nobody answers'))
  const presence: Presence = { claim: gone, release: gone, lookup: gone }
  await using relay = await openTestRelayWith({ presence }, [])
  using control = await TestPeer.login(relay.at)
  expect((await control.reserve()).status).toBe(RELAY_STATUS.OK)
  using source = await TestPeer.login(relay.at)
  source.send({ type: 'connect', destination: Buffer.alloc(32, 1) })
  expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.NO_RESERVATION })
  expect(relay.journal.of('presence.failed')).toHaveLength(1)
})
