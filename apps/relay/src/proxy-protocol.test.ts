import { encodeProxyHeader } from '@sluice/wire'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { describe, expect, it } from 'vitest'
import { TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

const header = (host: string, version: 1 | 2): Uint8Array => {
  const source = { host, port: 5555 }
  const endpoints = { family: 'INET', transport: 'STREAM', source, destination: source } as const
  return encodeProxyHeader({ version, command: 'PROXY', endpoints, tlvs: [] })
}
const BEHIND = ['--proxy-protocol', '127.0.0.1']
const open = (...flags: string[]): Promise<TestRelay> => openTestRelay([], '--open', ...BEHIND, ...flags)

/** A peer from behind the balancer. */
const dial = async ({ at }: TestRelay, host: string, version: 1 | 2 = 2): Promise<TestPeer> => {
  const peer = await TestPeer.dial(at)
  peer.write(header(host, version))
  return peer
}

describe('behind a balancer', () => {
  it.each([1, 2] as const)('a peer comes from where the header of version %i says', async (version) => {
    await using relay = await open()
    using peer = await dial(relay, '203.0.113.9', version)
    expect(await peer.login()).toMatchObject({ observed: '203.0.113.9:5555' })
  })

  it('a ban is one of the address in the header, not of the balancer', async () => {
    await using relay = await open()
    relay.relay.bans.add({ subject: '203.0.113.9' })
    using banned = await dial(relay, '203.0.113.9')
    banned.send(banned.hello())
    expect((await banned.frame('unwelcome')).status).toBe(RELAY_STATUS.PERMISSION_DENIED)
    using other = await dial(relay, '203.0.113.10')
    await other.login()
  })

  it('reservations of one address are counted by the header', async () => {
    await using relay = await open('--reservations-per-ip', '1')
    const statuses: number[] = []
    for (const host of ['203.0.113.9', '203.0.113.9', '203.0.113.10']) {
      const peer = await dial(relay, host)
      await peer.login()
      peer.send({ type: 'reserve', ttl: 0 })
      statuses.push((await peer.frame('reserveResponse')).status)
    }
    const { OK, RESOURCE_LIMIT_EXCEEDED } = RELAY_STATUS
    expect(statuses).toEqual([OK, RESOURCE_LIMIT_EXCEEDED, OK])
  })

  it('no header, no peer', async () => {
    await using relay = await open()
    using peer = await TestPeer.dial(relay.at)
    peer.send(peer.hello())
    expect(await peer.over()).toMatch(/end|reset/)
  })

  it('loopback is not for this machine alone: without a user it wants to be told that all may come', async () => {
    await expect(openTestRelay([], ...BEHIND)).rejects.toThrow(
      'is behind --proxy-protocol and there is no user',
    )
  })
})
