import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewTunnel } from '../records.ts'
import { type TestTunnel, TestTunnels, type TunnelEnd } from '../testing/test-tunnels.ts'
import { UdpClient } from '../testing/udp-client.ts'

let running: TestTunnels
let echoing: UdpClient

beforeAll(async () => {
  running = await TestTunnels.open([], '--udp-idle', '8')
  echoing = await UdpClient.echo()
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
})

const textOf = ({ host, port }: { host: string; port: number }): string => `${host}:${port}`
const open = (fields: Partial<NewTunnel> = {}, owned = running.addClient()): Promise<TestTunnel> =>
  running.addTunnel({ mode: 'udp', targets: [textOf(echoing.address)], ...fields }, owned)
const nextEnd = ({ tunnel }: TestTunnel, since?: number): Promise<TunnelEnd> =>
  running.nextEnd({ tunnel: tunnel.record.id }, since)
const dropped = (reason: string): number => running.program.metrics.door('tunnel').dropped.get(reason) ?? 0

describe('a udp tunnel', () => {
  it('carries the datagrams of each visitor both ways, whole, and counts them', async () => {
    const tunnel = await open()
    using one = await UdpClient.open()
    using other = await UdpClient.open()
    for (const text of ['ping', 'x'.repeat(9000), '']) expect(String(await one.ask(text, tunnel))).toBe(text)
    expect(String(await other.ask('other', tunnel))).toBe('other')
    expect(tunnel.agent.links.map((link) => link.visitor)).toEqual([one.address, other.address])
    expect(tunnel.tunnel.account.flow.read()).toEqual({ up: 9009, down: 9009 })
    expect(tunnel.client.account.flow.read()).toEqual({ up: 9009, down: 9009 })
    running.registry.removeTunnel(tunnel.tunnel)
    expect(await nextEnd(tunnel, 0)).toMatchObject({
      ...{ door: 'tunnel', protocol: 'udp', code: 'TUNNEL_REMOVED' },
      ...{ client: textOf(one.address), up: 9004, down: 9004 },
    })
  })

  it('forgets a visitor who pauses for too long', async () => {
    const tunnel = await open()
    using client = await UdpClient.open()
    await client.ask('x', tunnel)
    running.clock.advance(6000)
    await client.ask('x', tunnel)
    running.clock.advance(6000)
    expect(tunnel.tunnel.account.associations).toBe(1)
    const ended = nextEnd(tunnel)
    running.clock.advance(6000)
    expect(await ended).toMatchObject({ code: 'IDLE_TIMEOUT', up: 2, down: 2 })
    await client.ask('x', tunnel)
    expect(tunnel.agent.links).toHaveLength(2)
  })

  it('keeps out whom lists, limits and absent programs keep out, and tells of it seldom', async () => {
    using client = await UdpClient.open()
    using second = await UdpClient.open()
    const limits = { connections: 1 }
    const told: unknown[] = []
    const { client: alone } = running.addClient()
    for (const agent of alone.agents.all) running.registry.left(alone, agent)
    const fields = { mode: 'udp', targets: [textOf(echoing.address)] } as const
    const cases: [string, TestTunnel][] = [
      ['VISITOR_DENIED', await open({ deny: ['127.0.0.1'] })],
      ['ASSOCIATION_LIMIT', await open({ limits })],
      ['ASSOCIATION_LIMIT', await open({}, running.addClient({ limits }))],
      ['AGENT_OFFLINE', await running.addTunnel(fields, { client: alone, agent: running.addClient().agent })],
      ['DIAL_FAILED', await open({ targets: [] })],
    ]
    for (const [code, tunnel] of cases) {
      if (code === 'ASSOCIATION_LIMIT') await second.ask('first', tunnel)
      const before = dropped('refused')
      client.send('no', tunnel)
      client.send('no', tunnel)
      await expect.poll(() => dropped('refused')).toBe(before + 2)
      const { id } = tunnel.tunnel.record
      const lines = running.journal.lines.filter((line) => line.includes('"datagram.refused"'))
      told.push(
        ...lines.map((line) => JSON.parse(line) as { tunnel: number }).filter((line) => line.tunnel === id),
      )
    }
    expect(told).toMatchObject(
      cases.map(([code]) => ({ code, door: 'tunnel', client: textOf(client.address) })),
    )
    expect(client.received).toEqual([])
  })

  it('cuts at the quota, and lets in again once there is more', async () => {
    const tunnel = await open({ limits: { quotaBytes: 10_000 } })
    using client = await UdpClient.open()
    const ended = nextEnd(tunnel)
    const flood = setInterval(() => client.send(Buffer.alloc(1000), tunnel), 1)
    const end = await ended
    clearInterval(flood)
    expect(end.code).toBe('QUOTA_EXCEEDED')
    expect(end.up + end.down).toBeLessThanOrEqual(10_000)
    running.registry.patch(tunnel.tunnel, { limits: {} })
    await expect.poll(async () => (await client.ask('again', tunnel)).length).toBe(5)
  })

  it('lets only the rate of its client pass, and drops what has waited for too long', async () => {
    const owned = running.addClient({ limits: { up: 50_000, burst: 5000 } })
    const tunnel = await open({}, owned)
    using client = await UdpClient.open()
    const [since, before] = [performance.now(), dropped('queue')]
    for (let i = 0; i < 50; i += 1) client.send(Buffer.alloc(1000), tunnel)
    await expect.poll(() => client.received.length).toBeGreaterThanOrEqual(5)
    await expect.poll(() => dropped('queue') + client.received.length - before).toBeGreaterThanOrEqual(40)
    const most = 5000 + (50_000 * (performance.now() - since)) / 1000 + 1000
    expect(owned.client.account.flow.read().up).toBeLessThanOrEqual(most)
  })

  it('keeps what comes while its program is asked, and ends with what becomes of it', async () => {
    const tunnel = await open()
    const asked = Promise.withResolvers<void>()
    const openDatagrams = tunnel.agent.openDatagrams.bind(tunnel.agent)
    tunnel.agent.openDatagrams = async (link) => {
      await asked.promise
      return openDatagrams(link)
    }
    using client = await UdpClient.open()
    for (const text of ['a', 'b', 'c']) client.send(text, tunnel)
    await expect.poll(() => tunnel.tunnel.account.associations).toBe(1)
    asked.resolve()
    await expect.poll(() => client.received.map(String)).toEqual(['a', 'b', 'c'])
    tunnel.agent.openDatagrams = () => Promise.reject(new Error('broken'))
    using second = await UdpClient.open()
    const ended = nextEnd(tunnel)
    second.send('x', tunnel)
    expect(await ended).toMatchObject({ code: 'INTERNAL', up: 0 })
  })
})
