import type { LiveClient } from '../registry.ts'

/** What a client has at the server, as its program may see it. */
export interface ClientStatus {
  readonly id: number
  readonly remark: string
  readonly tunnels: readonly TunnelStatus[]
  readonly hosts: readonly HostStatus[]
}

export interface TunnelStatus {
  readonly id: number
  readonly mode: string
  readonly remark: string
  readonly enabled: boolean
  /** Where visitors come to. */
  readonly host?: string
  readonly port?: number
  readonly targets: readonly string[]
  /** Why it is not open to visitors. */
  readonly problem?: string
}

export interface HostStatus {
  readonly id: number
  readonly host: string
  readonly location: string
  readonly scheme: string
  readonly enabled: boolean
  readonly targets: readonly string[]
}

/** Nothing of it is secret. */
export const clientStatus = ({ record: { id, remark }, tunnels, hosts }: LiveClient): ClientStatus => ({
  id,
  remark,
  tunnels: Array.from(tunnels.values(), ({ record, problem }) => ({
    id: record.id,
    mode: record.mode,
    remark: record.remark,
    enabled: record.enabled,
    ...(record.host !== undefined && { host: record.host }),
    ...(record.port !== undefined && { port: record.port }),
    targets: record.targets,
    ...(problem !== undefined && { problem }),
  })),
  hosts: Array.from(hosts.values(), ({ record }) => ({
    id: record.id,
    host: record.host,
    location: record.location,
    scheme: record.scheme,
    enabled: record.enabled,
    targets: record.targets,
  })),
})
