import { RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { TestPeer } from './testing/test-peer.ts'
import { openTestRelay } from './testing/test-relay.ts'

it('who asks on and on whether the relay is there, and reads nothing, fills no memory', async () => {
  await using relay = await openTestRelay([])
  using peer = await TestPeer.login(relay.at)
  peer.send(...Array.from({ length: 10_000 }, () => ({ type: 'ping', opaque: new Uint8Array(8) }) as const))
  for (let i = 0; i < 64; i++) await peer.frame('pong')
  expect(await peer.frame('notice')).toMatchObject({ status: RELAY_STATUS.UNEXPECTED_MESSAGE })
  expect(await peer.over()).toBe('end')
})
