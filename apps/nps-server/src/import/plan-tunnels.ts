import type { NpsTunnel } from '@sluice/wire/npc'
import type { HealthCheck, TunnelMode } from '../records.ts'
import { modeOfNps } from '../nps-mode.ts'
import { npcHash } from '../secret-hash.ts'
import { isPrivate } from '../store/record-schemas.ts'
import type { Plan, PlannedClient, PlannedTunnel } from './plan.ts'
import { bindOf, flowOf, given, limitsOf, plainOf, targetsOf, wishOf } from './nps-values.ts'
import type { ClientsById } from './plan-clients.ts'

const WITH_TARGETS: ReadonlySet<TunnelMode> = new Set(['tcp', 'udp', 'secret'])
const PROXIES: ReadonlySet<TunnelMode> = new Set(['socks5', 'httpProxy', 'mixed'])

export const planTunnels = (plan: Plan, tunnels: readonly NpsTunnel[], clients: ClientsById): void => {
  for (const tunnel of tunnels) {
    const label = `tasks.json: tunnel ${tunnel.Id}`
    const client = clients.get(tunnel.Client.Id)
    const mode = modeOfNps(tunnel.Mode)
    const why = whyNot(tunnel, mode)
    if (why !== undefined) plan.notes.push(`${label} ${why}, and is left out`)
    else if (client === undefined) noteOrphan(plan, label, tunnel.Client.Id)
    else if (mode !== undefined) plan.tunnels.push(planTunnel(plan, { tunnel, label, client, mode }))
  }
}

/** Those of the key for everybody, for one: nps does not open them either once it was started anew. */
export const noteOrphan = (plan: Plan, label: string, client: number): void =>
  void plan.notes.push(`${label} is of client ${client}, which clients.json does not have, and is left out`)

/** Why it is not carried over; undefined: it is. */
const whyNot = (tunnel: NpsTunnel, mode: TunnelMode | undefined): string | undefined => {
  if (tunnel.NoStore) return 'lasts only as long as its client is connected'
  if (mode === undefined)
    return `is of mode ${JSON.stringify(tunnel.Mode.slice(0, 32))}, which there is not here`
  if (tunnel.Target.LocalProxy) return 'dials from the server itself, which no tunnel does here'
  if (isPrivate(mode) && tunnel.Password === '') return 'is private but has no password'
  return undefined
}

interface Planning {
  readonly tunnel: NpsTunnel
  readonly label: string
  readonly client: PlannedClient
  readonly mode: TunnelMode
}

const planTunnel = (plan: Plan, { tunnel, label, client, mode }: Planning): PlannedTunnel => {
  const { Flow, Status: enabled, Remark: remark } = tunnel
  const isHidden = isPrivate(mode)
  const logins = [...tunnel.MultiAccount.AccountMap].map(([name, password]) => ({ name, password }))
  noteOpen(plan, {
    label,
    mode,
    host: tunnel.ServerIp,
    hasLogin: logins.length > 0 || client.login !== undefined,
  })
  return {
    label,
    client,
    wish: wishOf(tunnel.Id),
    flow: flowOf(Flow),
    logins: PROXIES.has(mode) ? logins : [],
    record: given({
      mode,
      enabled,
      remark: plainOf(remark),
      host: isHidden ? undefined : bindOf(tunnel.ServerIp),
      port: isHidden ? undefined : tunnel.Port,
      targets: WITH_TARGETS.has(mode) || mode === 'p2p' ? targetsOf(tunnel.Target, tunnel.TargetAddr) : [],
      passwordHash: isHidden ? npcHash(tunnel.Password) : undefined,
      limits: limitsOf({ quota: Flow.FlowLimit }),
      proxyHeader: proxyHeaderOf(tunnel.ProtoVersion),
      localPath: tunnel.LocalPath || undefined,
      stripPrefix: tunnel.StripPre || undefined,
      health: WITH_TARGETS.has(mode) ? healthOf(tunnel) : undefined,
    }),
  }
}

/** Says of a proxy that anybody could use that it will not open. */
export const noteOpen = (
  plan: Plan,
  { label, mode, host, hasLogin }: { label: string; mode: TunnelMode; host: string; hasLogin: boolean },
): void => {
  if (!PROXIES.has(mode) || hasLogin || host.startsWith('127.')) return
  plan.notes.push(`${label} is a proxy for everybody: it is only opened with --open, or with a login`)
}

const proxyHeaderOf = (version: string): 1 | 2 | undefined => {
  if (/^v?1$/i.test(version)) return 1
  return /^v?2$/i.test(version) ? 2 : undefined
}

const within = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)

/** Seconds there, and checked by the client; here the server checks each target. */
export const healthOf = (check: {
  readonly HealthCheckType: string
  readonly HealthCheckInterval: number
  readonly HealthCheckTimeout: number
  readonly HealthMaxFail: number
  readonly HttpHealthUrl: string
}): HealthCheck | undefined => {
  const { HealthCheckType: type, HttpHealthUrl: path } = check
  if ((type !== 'tcp' && type !== 'http') || check.HealthCheckInterval <= 0) return undefined
  return {
    type,
    ...(type === 'http' && path !== '' && { path }),
    intervalMs: within(check.HealthCheckInterval * 1000, 1000, 3_600_000),
    timeoutMs: within(check.HealthCheckTimeout * 1000, 100, 60_000),
    failures: within(check.HealthMaxFail, 1, 100),
  }
}
