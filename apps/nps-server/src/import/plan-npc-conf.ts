import {
  type NpcConf,
  type NpcConfHealth,
  type NpcConfHost,
  type NpcConfTunnel,
  type PortRange,
} from '@sluice/wire/npc'
import type { PlainLogin } from '../manager-inputs.ts'
import type { HealthCheck } from '../records.ts'
import { modeOfNps } from '../nps-mode.ts'
import { bindOf, count, given, limitsOf, loginOf } from './nps-values.ts'
import { npcHash } from '../secret-hash.ts'
import { isPrivate } from '../store/record-schemas.ts'
import { NO_FLOW, type Plan, type PlannedClient, type PlannedHost, type PlannedTunnel } from './plan.ts'
import { nameOf, schemeOf, wildcardProblem } from './plan-hosts.ts'
import { healthOf, noteOpen } from './plan-tunnels.ts'

/** Of one section. */
const MAX_PORTS = 10_000

/** Names and passwords by the file that a section names; undefined: there is no such file. */
export type AccountsOf = (file: string) => readonly PlainLogin[] | undefined

/** What a client brings to its server: here the server has it. */
export const planNpcConf = (plan: Plan, conf: NpcConf, accountsOf: AccountsOf): void => {
  const client = clientOf(plan, conf)
  if (client === undefined) return
  const healths = new Map(conf.healths.flatMap(checksOf))
  const healthFor = (targets: readonly string[]): HealthCheck | undefined =>
    targets.map((target) => healths.get(target)).find((health) => health !== undefined)
  for (const tunnel of conf.tunnels) {
    plan.tunnels.push(...tunnelsOf(plan, { tunnel, client, accountsOf, healthFor }))
  }
  for (const host of conf.hosts) plan.hosts.push(...hostsOf(plan, { host, client, healthFor }))
  for (const { name } of conf.visitors) {
    plan.notes.push(`npc.conf: [${name}] is for the program of a visitor, and is left out`)
  }
}

const clientOf = (plan: Plan, { common }: NpcConf): PlannedClient | undefined => {
  const { vkey, basicUsername = '', basicPassword = '', webUsername = '', webPassword = '' } = common
  if (vkey === undefined) {
    plan.errors.push('npc.conf: [common] has no vkey')
    return undefined
  }
  const vkeyHash = npcHash(vkey)
  const known = plan.clients.find(({ record }) => record.vkeyHash === vkeyHash)
  if (known !== undefined) return known
  const { maxConn: connections = 0, rateLimit: rate = 0, flowLimit: quota = 0 } = common
  const client: PlannedClient = {
    label: 'npc.conf: client',
    mayExist: true,
    flow: NO_FLOW,
    record: given({
      vkeyHash,
      remark: common.remark,
      crypt: common.crypt,
      compress: common.compress,
      limits: limitsOf({ rate, quota, connections }),
    }),
    login: loginOf(basicUsername, basicPassword),
    webLogin: loginOf(webUsername, webPassword),
    maxTunnels: count(0),
  }
  plan.clients.push(client)
  return client
}

interface TunnelPlanning {
  readonly tunnel: NpcConfTunnel
  readonly client: PlannedClient
  readonly accountsOf: AccountsOf
  readonly healthFor: (targets: readonly string[]) => HealthCheck | undefined
}

/** One for each port. */
const tunnelsOf = (
  plan: Plan,
  { tunnel, client, accountsOf, healthFor }: TunnelPlanning,
): PlannedTunnel[] => {
  const label = `npc.conf: [${tunnel.name}]`
  const mode = modeOfNps(tunnel.mode ?? '')
  if (mode === undefined) {
    plan.errors.push(`${label}: there is no such mode`)
    return []
  }
  const logins = tunnel.multiAccount === undefined ? [] : accountsOf(tunnel.multiAccount)
  if (logins === undefined) plan.errors.push(`${label}: its multi_account file cannot be read`)
  const { password = '', serverIp = '', localPath, stripPre } = tunnel
  const isHidden = isPrivate(mode)
  if (isHidden && password === '') plan.errors.push(`${label}: it is private but has no password`)
  const ports = isHidden ? [undefined] : portsOf(tunnel.serverPort ?? [])
  const targets = targetsOf(tunnel, ports.length)
  if (ports.length > MAX_PORTS || targets === undefined) {
    plan.errors.push(`${label}: wanted as many target ports as server ports, and ${MAX_PORTS} at most`)
    return []
  }
  if (ports.length === 0) plan.errors.push(`${label}: it has no server_port`)
  const hasLogin = client.login !== undefined || (logins ?? []).length > 0
  noteOpen(plan, { label, mode, host: serverIp, hasLogin })
  return ports.map((port, nth) => ({
    label: ports.length > 1 ? `${label} port ${port}` : label,
    client,
    flow: NO_FLOW,
    logins: logins ?? [],
    record: given({
      ...{ mode, port, localPath, remark: tunnel.name, stripPrefix: stripPre },
      host: isHidden ? undefined : bindOf(serverIp),
      targets: targets[nth] ?? [],
      passwordHash: isHidden ? npcHash(password) : undefined,
      health: healthFor(targets[nth] ?? []),
    }),
  }))
}

const portsOf = (ranges: readonly PortRange[]): number[] =>
  ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, nth) => first + nth))

/** For each port; undefined: they do not fit. */
const targetsOf = (tunnel: NpcConfTunnel, ports: number): string[][] | undefined => {
  const { targetAddr = [], targetPort = [], targetIp = '' } = tunnel
  if (targetPort.length === 0) return ports > 1 && targetAddr.length > 0 ? undefined : [[...targetAddr]]
  const all = portsOf(targetPort).map((port) => [targetIp === '' ? String(port) : `${targetIp}:${port}`])
  return all.length === ports ? all : undefined
}

const checksOf = (health: NpcConfHealth): [target: string, check: HealthCheck][] => {
  const check = healthOf({
    HealthCheckType: health.healthCheckType ?? '',
    HealthCheckInterval: health.healthCheckInterval ?? 0,
    HealthCheckTimeout: health.healthCheckTimeout ?? 0,
    HealthMaxFail: health.healthCheckMaxFailed ?? 0,
    HttpHealthUrl: health.healthHttpUrl ?? '',
  })
  if (check === undefined) return []
  return (health.healthCheckTarget ?? []).map((target) => [target, check])
}

interface HostPlanning {
  readonly host: NpcConfHost
  readonly client: PlannedClient
  readonly healthFor: TunnelPlanning['healthFor']
}

const hostsOf = (plan: Plan, { host, client, healthFor }: HostPlanning): PlannedHost[] => {
  const label = `npc.conf: [${host.name}]`
  const scheme = schemeOf(host.scheme ?? '')
  if (scheme === undefined) plan.errors.push(`${label}: its scheme is none of all, http and https`)
  const { targetAddr: targets = [], hostChange, location, headers } = host
  const names = (host.host ?? '').split(',').map(nameOf)
  const record = {
    remark: host.name,
    scheme,
    location,
    headers,
    targets,
    hostChange,
    health: healthFor(targets),
  }
  return names.flatMap((name) => {
    const why = wildcardProblem(name)
    if (why !== undefined) plan.notes.push(`${label} ${why}, and is left out`)
    const made = {
      label,
      client,
      flow: NO_FLOW,
      record: given({ ...record, host: name }),
    }
    return why === undefined ? [made] : []
  })
}
