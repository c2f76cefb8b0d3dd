import { type ApiRoute, route } from './api-route.ts'
import type { Kept, Managing } from './managing.ts'
import { recordRoutes } from './record-routes.ts'
import {
  clientPatch,
  hostPatch,
  newClient,
  newHost,
  newTunnel,
  ownedQuery,
  pageQuery,
  searchQuery,
  tunnelPatch,
} from './schemas.ts'
import { type SessionParts, sessionRoutes } from './session-routes.ts'
import type { Sessions } from './sessions.ts'
import { tokenRoutes } from './token-routes.ts'
import { clientView, hostView, type Sources, tunnelView } from './views.ts'

export interface RouteParts {
  readonly store: Kept
  readonly manager: Managing
  readonly sources: Sources
  readonly sessions: Sessions
  readonly log: SessionParts['log']
  /** Of the program. */
  readonly status: () => object
}

/** All of `/v1` but for its description. */
export const apiRoutes = (parts: RouteParts): ApiRoute[] => [
  ...clientRoutes(parts),
  ...tunnelRoutes(parts),
  ...hostRoutes(parts),
  ...tokenRoutes(parts.store),
  ...sessionRoutes(parts),
  ...tellingRoutes(parts),
]

const clientRoutes = ({ store, manager, sources }: RouteParts): ApiRoute[] => [
  ...recordRoutes({
    path: '/v1/clients',
    noun: 'client',
    all: () => store.clients(),
    view: (record) => clientView(record, sources),
    texts: ({ remark, userId }) => [remark, userId === undefined ? undefined : sources.nameOf(userId)],
    input: newClient,
    change: clientPatch,
    query: searchQuery,
    add: async (input, by) => {
      const { client, vkey, enroll } = await manager.addClient(input, by)
      return { ...clientView(client, sources), vkey, enroll }
    },
    patch: (id, change, by) => manager.patchClient(id, change, by),
    remove: (id, by) => manager.removeClient(id, by),
    resetFlow: (id, by) => manager.resetFlow('client', id, by),
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:id/key',
    scope: 'write',
    status: 200,
    summary: 'Makes a new key of a client and tells it this once; the old one is void.',
    run: async ({ id, by }) => {
      const { vkey, enroll } = await manager.newKey(id, by)
      return { id, vkey, enroll }
    },
  }),
]

const tunnelRoutes = ({ store, manager, sources }: RouteParts): ApiRoute[] =>
  recordRoutes({
    path: '/v1/tunnels',
    noun: 'tunnel',
    all: () => store.tunnels(),
    view: (record) => tunnelView(record, sources),
    texts: ({ remark, mode, port, targets }) => [remark, mode, port?.toString(), ...targets],
    input: newTunnel,
    change: tunnelPatch,
    query: ownedQuery,
    add: async ({ ports, ...input }, by) => {
      if (ports === undefined) return tunnelView(await manager.addTunnel(input, by), sources)
      const added = await manager.addTunnels({ ...input, ports }, by)
      return { items: added.map((record) => tunnelView(record, sources)) }
    },
    patch: (id, change, by) => manager.patchTunnel(id, change, by),
    remove: (id, by) => manager.removeTunnel(id, by),
    resetFlow: (id, by) => manager.resetFlow('tunnel', id, by),
  })

const hostRoutes = ({ store, manager, sources }: RouteParts): ApiRoute[] =>
  recordRoutes({
    path: '/v1/hosts',
    noun: 'host',
    all: () => store.hosts(),
    view: (record) => hostView(record, sources),
    texts: ({ remark, host, location, targets }) => [remark, host, location, ...targets],
    input: newHost,
    change: hostPatch,
    query: ownedQuery,
    add: async (input, by) => hostView(await manager.addHost(input, by), sources),
    patch: (id, change, by) => manager.patchHost(id, change, by),
    remove: (id, by) => manager.removeHost(id, by),
    resetFlow: (id, by) => manager.resetFlow('host', id, by),
  })

const tellingRoutes = ({ store, status }: RouteParts): ApiRoute[] => [
  route({
    method: 'GET',
    path: '/v1/status',
    scope: 'read',
    status: 200,
    summary: 'Tells of the program as a whole.',
    run: status,
  }),
  route({
    method: 'GET',
    path: '/v1/audit',
    scope: 'write',
    status: 200,
    summary: 'Tells who changed what, newest first.',
    query: pageQuery,
    run: ({ query: { limit, cursor } }) => {
      const found = store.audit.list({ ...(cursor !== undefined && { before: cursor }), limit: limit + 1 })
      const items = found.slice(0, limit)
      return { items, next: found.length > limit ? String(items.at(-1)!.seq) : null }
    },
  }),
]
