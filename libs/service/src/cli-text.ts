import { formatQuota, formatRate } from '@sluice/wire'
import type { Limits, Usage, Used, User } from '@sluice/userstore'

export type UserState = 'active' | 'disabled' | 'expired' | 'quota'

/** A user as `--json` prints it: without anything secret, hashes included. */
export interface UserView {
  name: string
  id: string
  state: UserState
  enabled: boolean
  /** Milliseconds since 1970. */
  expiresAt?: number
  limits: Limits
  groups?: readonly string[]
  source?: string
  /** Who alone can change them, such as `panel`. */
  owner?: string
  credentials: string[]
  /** What Shadowsocks clients need of the user. */
  ss?: SsView[]
  /** Peers that they come in as. */
  nodeIds?: string[]
  used: { period: string; up: number; down: number; total: number }
}

/** A Shadowsocks credential. Its secret is there only where it was asked for. */
export interface SsView {
  port?: number
  method: string
  secretStored: 'in clear'
  secret?: string
}

export function viewOf(user: User, used: Used | undefined, now: number, reveal = false): UserView {
  const { id, name, enabled, expiresAt, limits, groups, source, owner } = user
  const { period = 'all', up = 0, down = 0 } = used ?? {}
  const total = up + down
  const ss = ssViews(user, reveal)
  const nodeIds = user.credentials.flatMap((each) => (each.kind === 'nodeId' ? [each.nodeId] : []))
  return {
    name,
    id,
    state: stateOf(user, total, now),
    enabled,
    ...(expiresAt !== undefined && { expiresAt }),
    limits,
    ...(groups !== undefined && { groups }),
    ...(source !== undefined && { source }),
    ...(owner !== undefined && { owner }),
    credentials: user.credentials.map(({ kind }) => kind),
    ...(ss.length > 0 && { ss }),
    ...(nodeIds.length > 0 && { nodeIds }),
    used: { period, up, down, total },
  }
}

const ssViews = ({ credentials }: User, reveal: boolean): SsView[] =>
  credentials.flatMap((each) => {
    if (each.kind !== 'ss') return []
    const { port, method, secret } = each
    const view = { ...(port !== undefined && { port }), method, secretStored: 'in clear' as const }
    return [reveal ? { ...view, secret } : view]
  })

function stateOf({ enabled, expiresAt, limits }: User, total: number, now: number): UserState {
  if (!enabled) return 'disabled'
  if (expiresAt !== undefined && expiresAt <= now) return 'expired'
  return limits.quotaBytes !== undefined && total >= limits.quotaBytes ? 'quota' : 'active'
}

/** `user list` for people. */
export function userTable(users: readonly UserView[]): string[] {
  if (users.length === 0) return ['no users']
  const amounts = ['UP', 'DOWN', 'TOTAL', 'QUOTA', 'USED', 'CONNECTIONS', 'IPS']
  const hasSs = users.some(({ ss }) => ss !== undefined)
  const hasPeers = users.some(isPeer)
  const some = [...(hasSs ? ['SHADOWSOCKS'] : []), ...(hasPeers ? ['TOKEN', 'NODE IDS'] : [])]
  const head = ['NAME', 'STATE', ...amounts, 'EXPIRES', 'GROUPS', 'SOURCE', ...some]
  const rows = users.map((user) => [
    ...usualCells(user),
    ...(hasSs ? [user.ss?.map(ssText).join('; ') ?? '-'] : []),
    ...(hasPeers ? [hasToken(user) ? 'set' : '-', user.nodeIds?.join(',') ?? '-'] : []),
  ])
  return columns([head, ...rows])
}

const usualCells = (user: UserView): string[] => {
  const { name, state, limits, used, expiresAt, groups = [], source = '-' } = user
  return [
    name,
    state,
    rateText(limits.up),
    rateText(limits.down),
    rateText(limits.total),
    quotaText(limits),
    about(used.total),
    String(limits.connections ?? '-'),
    String(limits.ips ?? '-'),
    dateText(expiresAt),
    groups.join(',') || '-',
    source,
  ]
}

const hasToken = ({ credentials }: UserView): boolean => credentials.includes('token')
const isPeer = (user: UserView): boolean => user.nodeIds !== undefined || hasToken(user)

/** `user show` for people. */
export function userLines(user: UserView): string[] {
  const { limits, used } = user
  const burst = limits.burst === undefined ? 'default' : about(limits.burst)
  const anchor = limits.quotaAnchorDay === undefined ? '' : `, from day ${limits.quotaAnchorDay}`
  const zone = limits.quotaZone === undefined ? '' : `, ${limits.quotaZone}`
  return columns([
    ['name', user.name],
    ['state', user.state],
    ['up', rateText(limits.up)],
    ['down', rateText(limits.down)],
    ['total', rateText(limits.total)],
    ['burst', burst],
    ['connections', String(limits.connections ?? '-')],
    ['ips', String(limits.ips ?? '-')],
    ['quota', `${quotaText(limits)}${anchor}${zone}`],
    ['used', `${about(used.total)} (up ${about(used.up)}, down ${about(used.down)}; ${used.period})`],
    ['expires', dateText(user.expiresAt)],
    ['groups', user.groups?.join(', ') ?? '-'],
    ['source', user.source ?? '-'],
    ['credentials', [...new Set(user.credentials)].join(', ') || 'none'],
    ...(user.ss ?? []).map((each) => ['shadowsocks', ssText(each)]),
    ...(user.nodeIds ?? []).map((id) => ['node id', id]),
    ...(hasToken(user) ? [['token', 'set']] : []),
    ...(user.owner === undefined ? [] : [['owner', `${user.owner}, where alone the user can be changed`]]),
  ])
}

/** `user usage` for people. */
export function usageTable(usages: readonly Usage[]): string[] {
  const rows = usages.map(({ name, period, up, down, total }) => [
    name,
    period,
    about(up),
    about(down),
    about(total),
  ])
  return columns([['NAME', 'PERIOD', 'UP', 'DOWN', 'TOTAL'], ...rows])
}

const ssText = ({ port, method, secret }: SsView): string =>
  `${method}, port ${port ?? 'shared'}, secret stored in clear${secret === undefined ? '' : `: ${secret}`}`

/** A rate for people; `-` for none. */
export const rateText = (rate: number | undefined): string => (rate === undefined ? '-' : formatRate(rate))

/** A quota for people; `-` for none. */
export const quotaText = ({ quotaBytes, quotaPeriod }: Pick<Limits, 'quotaBytes' | 'quotaPeriod'>): string =>
  quotaBytes === undefined
    ? '-'
    : formatQuota({ bytes: quotaBytes, ...(quotaPeriod !== undefined && { period: quotaPeriod }) })

/** A time for people; `-` for none. */
export const dateText = (at: number | undefined): string =>
  at === undefined ? '-' : new Date(at).toISOString()

/** Bytes for people, rounded; the exact number is what `--json` is for. */
export function about(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`
}

/** A table; no blanks at the ends of lines. */
export function columns(rows: readonly string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
