import type { MetricRow, Metrics } from '@sluice/metrics'
import type { Failovers } from './failovers.ts'
import type { Registry } from './registry.ts'

export type TunnelMetricName = 'agents' | 'streams' | 'clients' | 'tunnels' | 'hosts' | 'failovers'

/** What nps-server shows besides `METRICS`. */
export const TUNNEL_METRICS: Readonly<Record<TunnelMetricName, MetricRow>> = {
  agents: {
    name: 'sluice_tunnel_agents',
    type: 'gauge',
    labels: ['kind'],
    help: 'Client programs that are connected, by kind: native or npc.',
  },
  streams: {
    name: 'sluice_tunnel_streams',
    type: 'gauge',
    labels: ['kind'],
    help: 'Streams that are open to them.',
  },
  clients: {
    name: 'sluice_tunnel_clients',
    type: 'gauge',
    labels: ['state'],
    help: 'Clients, by state: online with a program at least, offline, or disabled.',
  },
  tunnels: {
    name: 'sluice_tunnels',
    type: 'gauge',
    labels: ['state'],
    help: 'Tunnels, by state: enabled, disabled, or in trouble, such as with a port that is in use.',
  },
  hosts: {
    name: 'sluice_tunnel_hosts',
    type: 'gauge',
    labels: ['state'],
    help: 'Hosts, by state: enabled or disabled.',
  },
  failovers: {
    name: 'sluice_tunnel_failovers_total',
    type: 'counter',
    labels: ['kind'],
    help: 'Targets that could not be reached, behind which another was tried, by kind: tunnel or host.',
  },
}

const KINDS = ['native', 'npc'] as const

type Places = Pick<Registry, 'clients' | 'tunnels' | 'hosts'>

/** Shows what the registry has, as it is at each scrape. To be called once for a program. */
export const showTunnels = (
  metrics: Pick<Metrics, 'show'>,
  { clients, tunnels, hosts }: Places,
  { counts }: Pick<Failovers, 'counts'>,
): void => {
  metrics.show(TUNNEL_METRICS.failovers, () => [
    [{ kind: 'tunnel' }, counts.tunnel],
    [{ kind: 'host' }, counts.host],
  ])
  const agents = (kind: string) =>
    [...clients.values()].flatMap((client) => client.agents.all.filter((agent) => agent.kind === kind))
  metrics.show(TUNNEL_METRICS.agents, () => KINDS.map((kind) => [{ kind }, agents(kind).length]))
  metrics.show(TUNNEL_METRICS.streams, () =>
    KINDS.map((kind) => [{ kind }, agents(kind).reduce((sum, { streams }) => sum + streams, 0)]),
  )
  metrics.show(TUNNEL_METRICS.clients, () =>
    byState(['online', 'offline', 'disabled'], clients, ({ record, agents: { all } }) => {
      if (!record.enabled) return 'disabled'
      return all.length > 0 ? 'online' : 'offline'
    }),
  )
  metrics.show(TUNNEL_METRICS.tunnels, () =>
    byState(['enabled', 'disabled', 'trouble'], tunnels, ({ record, problem }) => {
      if (!record.enabled) return 'disabled'
      return problem === undefined ? 'enabled' : 'trouble'
    }),
  )
  metrics.show(TUNNEL_METRICS.hosts, () =>
    byState(['enabled', 'disabled'], hosts, ({ record: { enabled } }) => (enabled ? 'enabled' : 'disabled')),
  )
}

/** Each state is told of, also where nothing is in it. */
const byState = <State extends string, Item>(
  states: readonly State[],
  items: ReadonlyMap<number, Item>,
  stateOf: (item: Item) => State,
): [{ state: State }, number][] => {
  const counts = new Map<State, number>(states.map((state) => [state, 0]))
  for (const item of items.values()) {
    const state = stateOf(item)
    counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return [...counts].map(([state, count]) => [{ state }, count])
}
