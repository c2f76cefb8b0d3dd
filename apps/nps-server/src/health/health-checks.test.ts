import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HealthCheck } from '../records.ts'
import { echo, openTarget, TestTunnels } from '../testing/test-tunnels.ts'
import { startHealthChecks } from './health-checks.ts'

const CHECK: HealthCheck = { type: 'tcp', intervalMs: 1000, timeoutMs: 500, failures: 2 }

let running: TestTunnels

beforeEach(async () => {
  running = await TestTunnels.open()
  startHealthChecks(running)
})
afterEach(() => running[Symbol.asyncDispose]())

/** The next round, once the one before is over. */
const nextRound = async (links: readonly unknown[], targets: number): Promise<void> => {
  const { length } = links
  await expect
    .poll(() => {
      if (links.length === length) running.clock.advance(CHECK.intervalMs)
      return links.length
    })
    .toBe(length + targets)
}
const told = (event: string): object[] =>
  running.journal.lines
    .filter((line) => line.includes(`"${event}"`))
    .map((line) => JSON.parse(line) as object)

describe('health checks', () => {
  it('take a target out after so many failures in a row, and back with one success', async () => {
    using one = await openTarget(echo)
    using other = await openTarget(echo)
    const targets = [one.text, '127.0.0.1:1', other.text]
    const { tunnel, agent } = await running.addTunnel({ mode: 'tcp', targets, health: CHECK })
    await expect.poll(() => agent.links.length).toBe(3)
    expect(tunnel.targets.down).toEqual([])
    await nextRound(agent.links, 3)
    await expect.poll(() => tunnel.targets.down).toEqual(['127.0.0.1:1'])
    expect(told('target.down')).toMatchObject([
      { tunnel: tunnel.record.id, target: '127.0.0.1:1', code: 'DIAL_REFUSED' },
    ])
    const open = agent.open.bind(agent)
    agent.open = (link, signal) => open({ ...link, target: one.text }, signal)
    await nextRound(agent.links, 3)
    await expect.poll(() => tunnel.targets.down).toEqual([])
    expect(told('target.back')).toMatchObject([{ tunnel: tunnel.record.id, target: '127.0.0.1:1' }])
    expect(tunnel.account.flow.read()).toEqual({ up: 0, down: 0 })
  })

  it('know of HTTP how an answer begins', async () => {
    let status = 204
    const asked: unknown[] = []
    const server = createServer((request, response) => {
      asked.push([request.method, request.url, request.headers.host])
      response.writeHead(status).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const text = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const { client, agent } = running.addClient()
    const health: HealthCheck = { ...CHECK, type: 'http', path: '/health', failures: 1 }
    const host = running.registry.addHost(client, { host: 'a.example', targets: [text], health })
    await expect.poll(() => asked).toEqual([['GET', '/health', text]])
    expect(host.targets.down).toEqual([])
    status = 500
    await nextRound(agent.links, 1)
    await expect.poll(() => host.targets.down).toEqual([text])
    expect(told('target.down')).toMatchObject([{ host: host.record.id, code: 'DIAL_FAILED' }])
    running.registry.patch(host, { health: { ...health, path: '/other' } })
    await expect.poll(() => asked.at(-1)).toEqual(['GET', '/other', text])
    server.close()
  })

  it('find a target down that says nothing in time', async () => {
    using silent = await openTarget(() => {})
    const health: HealthCheck = { ...CHECK, type: 'http', timeoutMs: 20, failures: 1 }
    const { tunnel } = await running.addTunnel({ mode: 'tcp', targets: [silent.text], health })
    await expect.poll(() => tunnel.targets.down).toEqual([silent.text])
    expect(told('target.down')).toMatchObject([{ code: 'DIAL_TIMEOUT' }])
  })

  it('take a stream of npc that ends by itself for a target that cannot be reached', async () => {
    using closing = await openTarget((socket) => void socket.end())
    using open = await openTarget(echo)
    const { client, agent } = running.addClient()
    agent.kind = 'npc'
    const targets = [closing.text, open.text]
    const health: HealthCheck = { ...CHECK, timeoutMs: 1000, failures: 1 }
    const { tunnel } = await running.addTunnel({ mode: 'tcp', targets, health }, { client, agent })
    await expect.poll(() => tunnel.targets.down).toEqual([closing.text])
    await nextRound(agent.links, 2)
    expect(tunnel.targets.down).toEqual([closing.text])
  })

  it('say nothing of targets while no program is there, nor once nobody asks', async () => {
    const { client, agent } = running.addClient()
    running.registry.left(client, agent)
    const fields = { mode: 'tcp', targets: ['127.0.0.1:1'], health: { ...CHECK, failures: 1 } } as const
    const { tunnel } = await running.addTunnel(fields, { client, agent })
    running.registry.joined(client, agent)
    expect(tunnel.targets.down).toEqual([])
    await nextRound(agent.links, 1)
    await expect.poll(() => tunnel.targets.down).toEqual(['127.0.0.1:1'])
    running.registry.patch(tunnel, { enabled: false })
    expect(tunnel.targets.down).toEqual([])
    const { length } = agent.links
    running.clock.advance(CHECK.intervalMs)
    expect(agent.links).toHaveLength(length)
  })
})
