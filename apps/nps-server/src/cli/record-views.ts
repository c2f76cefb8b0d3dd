import type { ClientRecord, FlowTotals, HostRecord, Kind, Login, TunnelRecord } from '../records.ts'
import type { PeriodFlow } from '../store/flow-table.ts'
import type { Presence, ServerState } from '../store/presence-table.ts'
import type { RecordStore } from '../store/record-store.ts'
import type { Call } from './record-command.ts'

// What `--json` prints of records: nothing secret, hashes included. The shapes are what scripts rely on.

export type RecordState = 'active' | 'disabled' | 'expired' | 'quota'

interface FlowView extends FlowTotals {
  readonly used: {
    readonly period: string
    readonly inlet: number
    readonly export: number
    readonly total: number
  }
}

type Program = Omit<Presence, 'clientId' | 'remote'> & { readonly address: string }

export interface ClientView
  extends Omit<ClientRecord, 'vkeyHash' | 'publicKey' | 'login' | 'webLogin'>, FlowView {
  /** Its user's name; null: there was one, and is none any more. */
  readonly user?: string | null
  readonly login?: string
  readonly webLogin?: string
  readonly state: RecordState
  readonly online: boolean
  /** The sum of what passed its tunnels and hosts that are there, as of a minute ago at most. */
  readonly aggregate: FlowTotals
  readonly tunnels: readonly number[]
  readonly hosts: readonly number[]
  readonly programs: readonly Program[]
}

export interface TunnelView extends Omit<TunnelRecord, 'passwordHash' | 'logins'>, FlowView {
  readonly logins?: readonly string[]
  readonly state: RecordState
  readonly online: boolean
  /** Why it is not open to visitors. */
  readonly problem?: string
}

export interface HostView extends HostRecord, FlowView {
  readonly state: RecordState
  readonly online: boolean
  /** What keeps it from its certificate. */
  readonly problem?: string
}

type Sources = Pick<Call, 'store' | 'users' | 'now'>

export async function clientView(
  record: ClientRecord,
  { store, users, now }: Sources,
  { agents }: ServerState,
): Promise<ClientView> {
  const { vkeyHash: _, publicKey: __, login, webLogin, ...shown } = record
  const owned = ({ clientId }: { clientId: number }): boolean => clientId === record.id
  const programs = agents.filter(owned)
  const { userId } = record
  return {
    ...shown,
    ...(userId !== undefined && { user: (await users.nameOf(userId)) ?? null }),
    ...nameOf('login', login),
    ...nameOf('webLogin', webLogin),
    ...flowView(store, 'client', record, now),
    online: programs.length > 0,
    aggregate: store.flowOf('aggregate', record.id),
    tunnels: store.tunnels().filter(owned).map(idOf),
    hosts: store.hosts().filter(owned).map(idOf),
    programs: programs.map(({ clientId: ___, remote, ...program }) => ({ ...program, address: remote.host })),
  }
}

export function tunnelView(
  record: TunnelRecord,
  { store, now }: Sources,
  { agents, problems }: ServerState,
): TunnelView {
  const { passwordHash: _, logins, ...shown } = record
  const problem = problems[record.id]
  return {
    ...shown,
    ...(logins !== undefined && { logins: logins.map(({ name }) => name) }),
    ...flowView(store, 'tunnel', record, now),
    online: isOnline(record, agents),
    ...(problem !== undefined && { problem }),
  }
}

export function hostView(
  record: HostRecord,
  { store, now }: Sources,
  { agents, hostProblems }: ServerState,
): HostView {
  const problem = hostProblems[record.id]
  return {
    ...record,
    ...flowView(store, 'host', record, now),
    online: isOnline(record, agents),
    ...(problem !== undefined && { problem }),
  }
}

const idOf = ({ id }: { id: number }): number => id

const nameOf = (key: 'login' | 'webLogin', login: Login | undefined): { [K in typeof key]?: string } =>
  login === undefined ? {} : { [key]: login.name }

const isOnline = ({ clientId }: { clientId: number }, agents: readonly Presence[]): boolean =>
  agents.some((agent) => agent.clientId === clientId)

function flowView(
  store: RecordStore,
  kind: Kind,
  record: ClientRecord | TunnelRecord | HostRecord,
  now: number,
): FlowView & { state: RecordState } {
  const flow = store.periodFlowOf(kind, record.id)
  const { period, inlet, export: out } = flow
  return {
    state: stateOf(record, flow, now),
    ...store.flowOf(kind, record.id),
    used: { period, inlet, export: out, total: inlet + out },
  }
}

function stateOf(
  { enabled, expiresAt, limits }: ClientRecord | TunnelRecord | HostRecord,
  { inlet, export: out }: PeriodFlow,
  now: number,
): RecordState {
  if (!enabled) return 'disabled'
  if (expiresAt !== undefined && expiresAt <= now) return 'expired'
  return limits.quotaBytes !== undefined && inlet + out >= limits.quotaBytes ? 'quota' : 'active'
}
