import type { Kept } from './managing.ts'
import type { Live } from './views.ts'

interface StatusParts {
  readonly version: string
  readonly registry: Live
  readonly store: Pick<Kept, 'clients' | 'flowOf'>
}

/** Of the program as a whole. The flow is that of the clients there are, each counted by itself. */
export const statusOf = ({ version, registry, store }: StatusParts): (() => object) => {
  const startedAt = Date.now()
  return () => {
    const flow = { inlet: 0, export: 0 }
    for (const { id } of store.clients()) {
      const { inlet, export: out } = store.flowOf('client', id)
      flow.inlet += inlet
      flow.export += out
    }
    const live = [...registry.clients.values()]
    return {
      version,
      startedAt,
      clients: registry.clients.size,
      online: live.filter(({ agents }) => agents.all.length > 0).length,
      tunnels: registry.tunnels.size,
      hosts: registry.hosts.size,
      problems: [...registry.tunnels.values()].filter(({ problem }) => problem !== undefined).length,
      connections: live.reduce((sum, { visitors }) => sum + visitors, 0),
      flow,
    }
  }
}
