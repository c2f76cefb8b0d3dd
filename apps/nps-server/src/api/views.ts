import type { Agent } from '../agent.ts'
import type { ClientRecord, FlowTotals, HostRecord, Login, TunnelRecord } from '../records.ts'
import type { LiveHost, LiveTunnel, Registry } from '../registry.ts'
import type { Kept } from './managing.ts'

// What is shown of records: no secret, and no hash of one.

type Shown = Readonly<Record<string, unknown>> & { readonly id: number }

/** What is there while the program runs. */
export type Live = Pick<Registry, 'clients' | 'tunnels' | 'hosts'>

/** Where what is shown comes from. */
export interface Sources {
  readonly store: Pick<Kept, 'flowOf'>
  readonly registry: Live
  /** Of a user of the store. */
  readonly nameOf: (userId: string) => string | undefined
}

export const clientView = (record: ClientRecord, { store, registry, nameOf }: Sources): Shown => {
  const { vkeyHash, publicKey, login, webLogin, userId, ...shown } = record
  const live = registry.clients.get(record.id)
  return {
    ...shown,
    ...(userId !== undefined && { userId, user: nameOf(userId) }),
    ...loginView('login', login),
    ...loginView('webLogin', webLogin),
    hasVkey: vkeyHash !== undefined,
    hasKey: publicKey !== undefined,
    flow: flowView(store.flowOf('client', record.id)),
    online: live !== undefined && live.agents.all.length > 0,
    connections: live?.visitors ?? 0,
    programs: live?.agents.all.map(agentView) ?? [],
  }
}

export const tunnelView = (record: TunnelRecord, { store, registry }: Sources): Shown => {
  const { passwordHash, logins, ...shown } = record
  const live = registry.tunnels.get(record.id)
  return {
    ...shown,
    ...(logins !== undefined && { logins: logins.map(({ name }) => ({ name })) }),
    hasPassword: passwordHash !== undefined,
    flow: flowView(store.flowOf('tunnel', record.id)),
    connections: live?.visitors ?? 0,
    problem: live?.problem,
    state: stateOf(live),
  }
}

export const hostView = (record: HostRecord, { store, registry }: Sources): Shown => {
  const live = registry.hosts.get(record.id)
  return {
    ...record,
    flow: flowView(store.flowOf('host', record.id)),
    connections: live?.visitors ?? 0,
    problem: live?.problem,
    state: stateOf(live),
  }
}

/** `active`, or why no visitor comes through: of itself, `problem` where it is not open, `client`, or `offline`. */
const stateOf = (live: LiveTunnel | LiveHost | undefined): string => {
  if (live === undefined) return 'unknown'
  const now = Date.now()
  const own = live.account.state(now)
  if (own !== 'active') return own
  if ('problem' in live && live.problem !== undefined) return 'problem'
  if (live.client.account.state(now) !== 'active') return 'client'
  return live.client.agents.all.length > 0 ? 'active' : 'offline'
}

const flowView = ({ inlet, export: out }: FlowTotals): FlowTotals => ({ inlet, export: out })

const loginView = (key: string, login: Login | undefined): object =>
  login === undefined ? {} : { [key]: { name: login.name } }

const agentView = ({ kind, remote, since, version, rttMs, streams }: Agent): object => ({
  kind,
  address: remote.host,
  since,
  version,
  rttMs,
  streams,
})
