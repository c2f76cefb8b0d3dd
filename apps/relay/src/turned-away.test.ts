import { RELAY_STATUS } from '@sluice/wire/relay'
import { describe, expect, it } from 'vitest'
import { TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

const openBanned = async (door: string): Promise<TestRelay> => {
  const relay = await openTestRelay([], '--listen', `${door}://127.0.0.1:0`)
  relay.relay.bans.add({ subject: '127.0.0.0/8' })
  return relay
}
const codes = ({ journal }: TestRelay): unknown[] => journal.of('session.end').map(({ code }) => code)

describe('a banned address', () => {
  it.each([
    ['tls', 'tls'],
    ['wss', 'wss'],
    ['any', 'tls'],
  ] as const)('at %s gets no handshake of TLS', async (door, transport) => {
    await using relay = await openBanned(door)
    await expect(TestPeer.dial(relay.at, { transport })).rejects.toBeInstanceOf(Error)
    await expect.poll(() => codes(relay)).toEqual(['PEER_BANNED'])
    relay.relay.bans.lift('127.0.0.0/8')
    using peer = await TestPeer.login(relay.at, { transport })
    expect(peer.ended).toBe(false)
  })

  it('is told why where that costs little', async () => {
    await using relay = await openBanned('any')
    using peer = await TestPeer.dial(relay.at)
    peer.send(peer.hello())
    expect((await peer.frame('unwelcome')).status).toBe(RELAY_STATUS.PERMISSION_DENIED)
    await expect.poll(() => codes(relay)).toEqual(['PEER_BANNED'])
  })
})
