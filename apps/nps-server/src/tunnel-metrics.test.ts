import { readFileSync } from 'node:fs'
import { createMetrics } from '@sluice/metrics'
import { expect, it } from 'vitest'
import { FakeAgent } from './testing/fake-agent.ts'
import { FakeRegistry } from './testing/fake-registry.ts'
import { showTunnels, TUNNEL_METRICS } from './tunnel-metrics.ts'

it('shows what there is, also of what there is nothing', async () => {
  const metrics = createMetrics({ app: 'nps-server', version: '0' })
  // Nobody is asked for whose a client is.
  const registry = new FakeRegistry(undefined as never)
  showTunnels(metrics, registry, { counts: { tunnel: 3, host: 0 } })
  const busy = registry.addClient()
  registry.addClient()
  registry.addClient({ enabled: false })
  const npc = Object.assign(new FakeAgent(busy.record.id), { kind: 'npc' })
  for (const agent of [new FakeAgent(busy.record.id), new FakeAgent(busy.record.id), npc])
    busy.agents.add(Object.defineProperty(agent, 'streams', { value: 2 }))
  registry.addTunnel(busy, { mode: 'tcp', port: 1 })
  registry.addTunnel(busy, { mode: 'tcp', port: 2, enabled: false })
  registry.addTunnel(busy, { mode: 'tcp', port: 3 }).problem = 'cannot listen'
  registry.addHost(busy, { host: 'example.org' })
  const text = await metrics.registry.metrics()
  expect(text.split('\n').filter((line) => line.startsWith('sluice_tunnel'))).toEqual([
    'sluice_tunnel_failovers_total{kind="tunnel"} 3',
    'sluice_tunnel_failovers_total{kind="host"} 0',
    'sluice_tunnel_agents{kind="native"} 2',
    'sluice_tunnel_agents{kind="npc"} 1',
    'sluice_tunnel_streams{kind="native"} 4',
    'sluice_tunnel_streams{kind="npc"} 2',
    'sluice_tunnel_clients{state="online"} 1',
    'sluice_tunnel_clients{state="offline"} 1',
    'sluice_tunnel_clients{state="disabled"} 1',
    'sluice_tunnels{state="enabled"} 1',
    'sluice_tunnels{state="disabled"} 1',
    'sluice_tunnels{state="trouble"} 1',
    'sluice_tunnel_hosts{state="enabled"} 1',
    'sluice_tunnel_hosts{state="disabled"} 0',
  ])
})

it('is its table in docs/metrics.md, row by row', () => {
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
  const section = page.split('\n## ').find((part) => part.startsWith('nps-server\n')) ?? ''
  const documented = section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|', 5).map((cell) => cell.trim()))
  const wanted = Object.values(TUNNEL_METRICS).map(({ name, type, labels, help }) => [
    '',
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  expect(documented).toEqual(wanted)
})
