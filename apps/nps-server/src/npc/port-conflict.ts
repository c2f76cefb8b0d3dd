import type { PortRange } from '@sluice/net'
import { isLoopbackListener } from '@sluice/service'
import type { HostRecord, TunnelMode, TunnelRecord } from '../records.ts'
import type { LiveClient, Registry } from '../registry.ts'

interface Brought {
  readonly tunnels: readonly TunnelRecord[]
  readonly hosts: readonly HostRecord[]
}

const PROXIES: ReadonlySet<TunnelMode> = new Set(['socks5', 'httpProxy', 'mixed'])
const ANY = new Set(['0.0.0.0', '::'])

/** Why what a program brings cannot be had beside what is there; undefined where it can. */
export const conflictOf = (
  { tunnels, hosts }: Brought,
  client: LiveClient,
  registry: Pick<Registry, 'tunnels' | 'hosts' | 'byPasswordHash'>,
  ports: readonly PortRange[],
): string | undefined => {
  for (const tunnel of tunnels) {
    const problem = problemOf(tunnel, client, ports) ?? takenBy(tunnel, registry)
    if (problem !== undefined) return problem
  }
  const isTaken = hosts.some((host) =>
    [...registry.hosts.values()].some(({ record }) => isSameHost(record, host)),
  )
  return isTaken ? 'the host is taken' : undefined
}

const problemOf = (
  { mode, host = '', port, logins = [] }: TunnelRecord,
  client: LiveClient,
  ports: readonly PortRange[],
): string | undefined => {
  if (port === undefined) return undefined
  if (!ports.some(({ first, last }) => first <= port && port <= last)) return `port ${port} may not be opened`
  const isForAll = PROXIES.has(mode) && logins.length === 0 && client.record.login === undefined
  return isForAll && !isLoopbackListener({ host, port }) ? 'a proxy for everybody' : undefined
}

const takenBy = (
  { mode, host = '', port, passwordHash }: TunnelRecord,
  registry: Pick<Registry, 'tunnels' | 'byPasswordHash'>,
): string | undefined => {
  if (passwordHash !== undefined && registry.byPasswordHash(passwordHash) !== undefined) {
    return 'the password is taken'
  }
  if (port === undefined) return undefined
  const meets = (other: TunnelRecord): boolean =>
    other.enabled &&
    other.port === port &&
    (other.mode === 'udp') === (mode === 'udp') &&
    (other.host === host || ANY.has(host) || ANY.has(other.host ?? ''))
  return [...registry.tunnels.values()].some(({ record }) => meets(record))
    ? `port ${port} is taken`
    : undefined
}

const isSameHost = (one: HostRecord, other: HostRecord): boolean =>
  one.host === other.host &&
  one.location === other.location &&
  (one.scheme === other.scheme || one.scheme === 'all' || other.scheme === 'all')
