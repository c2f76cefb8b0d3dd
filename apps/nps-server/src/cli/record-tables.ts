import { about, columns, dateText, quotaText, rateText } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { type FlowTotals, TUNNEL_HOST } from '../records.ts'
import type { TokenRecord } from '../store/token-table.ts'
import type { ClientView, HostView, TunnelView } from './record-views.ts'

// What people read of records, rounded; the exact numbers are what `--json` is for.

type AnyView = ClientView | TunnelView | HostView

export function clientTable(views: readonly ClientView[]): string[] {
  const head = ['ID', 'REMARK', 'USER', ...FLOW_HEAD, 'TUNNELS', 'HOSTS']
  const rows = views.map((view) => [
    String(view.id),
    view.remark || '-',
    userText(view),
    ...flowCells(view),
    String(view.tunnels.length),
    String(view.hosts.length),
  ])
  return tableOf('no clients', head, rows)
}

export function clientLines(view: ClientView): string[] {
  return columns([
    ['id', String(view.id)],
    ['remark', view.remark || '-'],
    ['user', userText(view)],
    ...commonRows(view),
    ['sum of tunnels and hosts', flowText(view.aggregate)],
    ['login of visitors', view.login ?? '-'],
    ['streams to npc', view.crypt ? 'TLS' : view.compress ? 'snappy' : 'plain'],
    ['selection', view.selection],
    ['most tunnels', String(view.maxTunnels ?? '-')],
    ['brings its own', view.mayConfigure ? 'yes' : 'no'],
    ...(view.registeredOnly === true ? [['visitors', 'from registered addresses alone']] : []),
    ['tunnels', view.tunnels.join(', ') || '-'],
    ['hosts', view.hosts.join(', ') || '-'],
    ...view.programs.map(({ kind, address, version, since, rttMs, streams }) => [
      'program',
      `${kind} ${version} at ${address} since ${dateText(since)}, ${streams} streams, ${rttMs.toFixed(1)} ms`,
    ]),
  ])
}

export function tunnelTable(views: readonly TunnelView[]): string[] {
  const head = ['ID', 'CLIENT', 'MODE', 'LISTEN', 'TARGETS', 'REMARK', ...FLOW_HEAD]
  const rows = views.map((view) => [
    String(view.id),
    String(view.clientId),
    view.mode,
    listenText(view),
    view.targets.join(',') || '-',
    view.remark || '-',
    ...flowCells(view, view.problem === undefined ? view.state : 'problem'),
  ])
  return tableOf('no tunnels', head, rows)
}

export function tunnelLines(view: TunnelView): string[] {
  return columns([
    ['id', String(view.id)],
    ['client', String(view.clientId)],
    ['mode', view.mode],
    ['listen', listenText(view)],
    ...(view.problem === undefined ? [] : [['problem', view.problem]]),
    ['remark', view.remark || '-'],
    ...commonRows(view),
    ...(view.mode === 'file' ? fileRows(view) : targetRows(view)),
    ['logins', view.logins?.join(', ') || '-'],
  ])
}

export function hostTable(views: readonly HostView[]): string[] {
  const head = ['ID', 'CLIENT', 'HOST', 'LOCATION', 'SCHEME', 'TARGETS', 'REMARK', ...FLOW_HEAD]
  const rows = views.map((view) => [
    String(view.id),
    String(view.clientId),
    view.host,
    view.location,
    view.scheme,
    view.targets.join(','),
    view.remark || '-',
    ...flowCells(view, view.problem === undefined ? view.state : 'problem'),
  ])
  return tableOf('no hosts', head, rows)
}

export function hostLines(view: HostView): string[] {
  return columns([
    ['id', String(view.id)],
    ['client', String(view.clientId)],
    ['host', view.host],
    ['location', view.location],
    ['scheme', view.scheme],
    ['remark', view.remark || '-'],
    ...commonRows(view),
    ...targetRows(view),
    ['host for targets', view.hostChange ?? '-'],
    ...view.headers.map(([name, value]) => ['header', `${name}: ${value}`]),
    ['certificate', certificateOf(view)],
    ...(view.problem === undefined ? [] : [['problem', view.problem]]),
    ['cache', view.cacheBytes === undefined ? '-' : about(view.cacheBytes)],
    ['http goes to https', view.autoHttps ? 'yes' : 'no'],
  ])
}

function certificateOf({ passThrough, autoCert, certFile }: HostView): string {
  if (passThrough) return 'the target’s, TLS goes through'
  return autoCert ? 'by ACME' : (certFile ?? '-')
}

export function tokenTable(tokens: readonly TokenRecord[]): string[] {
  const rows = tokens.map(({ id, name, scopes, createdAt, expiresAt, totp }) => [
    String(id),
    name,
    scopes.join(','),
    totp === true ? 'yes' : 'no',
    dateText(createdAt),
    dateText(expiresAt),
  ])
  return tableOf('no tokens', ['ID', 'NAME', 'SCOPES', 'TOTP', 'CREATED', 'EXPIRES'], rows)
}

const tableOf = (none: string, head: string[], rows: string[][]): string[] =>
  rows.length === 0 ? [none] : columns([head, ...rows])

const flowText = ({ inlet, export: out }: FlowTotals): string => `inlet ${about(inlet)}, export ${about(out)}`

const FLOW_HEAD = ['STATE', 'ONLINE', 'INLET', 'EXPORT', 'QUOTA', 'USED']

/** What stands below FLOW_HEAD. */
const flowCells = (view: AnyView, state: string = view.state): string[] => [
  state,
  view.online ? 'yes' : 'no',
  about(view.inlet),
  about(view.export),
  quotaText(view.limits),
  about(view.used.total),
]

const userText = ({ user }: ClientView): string => (user === null ? 'gone' : (user ?? '-'))

const listenText = ({ host, port }: TunnelView): string =>
  port === undefined ? '-' : formatAddress({ host: host ?? TUNNEL_HOST, port })

function commonRows(view: AnyView): string[][] {
  const { limits, used } = view
  const anchor = limits.quotaAnchorDay === undefined ? '' : `, from day ${limits.quotaAnchorDay}`
  const zone = limits.quotaZone === undefined ? '' : `, ${limits.quotaZone}`
  return [
    ['state', view.state],
    ['online', view.online ? 'yes' : 'no'],
    ['flow', flowText(view)],
    ['up', rateText(limits.up)],
    ['down', rateText(limits.down)],
    ['total', rateText(limits.total)],
    ['burst', limits.burst === undefined ? 'default' : about(limits.burst)],
    ['connections', String(limits.connections ?? '-')],
    ['quota', `${quotaText(limits)}${anchor}${zone}`],
    ['used', `${about(used.total)} (${flowText(used)}; ${used.period})`],
    ['expires', dateText(view.expiresAt)],
    ['visitors', view.allow?.join(', ') ?? 'any'],
    ['denied', view.deny?.join(', ') ?? '-'],
  ]
}

const fileRows = ({ localPath, stripPrefix }: TunnelView): string[][] => [
  ['folder', localPath ?? '/'],
  ['cut off paths', stripPrefix ?? '-'],
]

function targetRows({ targets, balance, health, proxyHeader }: TunnelView | HostView): string[][] {
  const check = health === undefined ? '-' : `${health.type} every ${health.intervalMs / 1000} s`
  return [
    ['targets', targets.join(', ') || '-'],
    ['balance', balance],
    ['health', check],
    ['PROXY header', proxyHeader === undefined ? '-' : `version ${proxyHeader}`],
  ]
}
