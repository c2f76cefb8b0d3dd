import { npsModeOf } from '../../nps-mode.ts'
import {
  ANY_HOST,
  type ClientRecord,
  type FlowLimits,
  type FlowTotals,
  type HostRecord,
  type Login,
  TUNNEL_HOST,
  type TunnelRecord,
} from '../../records.ts'
import { isPrivate } from '../../store/record-schemas.ts'
import type { Sources } from '../views.ts'

// Records in the form that nps has them. Passwords and keys are never there: only their hashes are kept.

export type Row = Readonly<Record<string, unknown>> & { readonly Id: number }

const KIB = 1024
const MIB = 1024 * 1024

/** 0 is no limit, so what is less than one unit is one. */
const units = (bytes: number | undefined, unit: number): number => Math.ceil((bytes ?? 0) / unit)

const flowOf = ({ inlet, export: out }: FlowTotals, { quotaBytes }: FlowLimits): object => ({
  ExportFlow: out,
  InletFlow: inlet,
  FlowLimit: units(quotaBytes, MIB),
})

export const clientRow = (record: ClientRecord, { store, registry }: Sources): Row => {
  const { id, remark, enabled, limits, crypt, compress, mayConfigure, maxTunnels, login, webLogin } = record
  const live = registry.clients.get(id)
  const agent = live?.agents.all[0]
  return {
    Cnf: { U: nameOf(login), P: '', Compress: compress, Crypt: crypt },
    Id: id,
    VerifyKey: '',
    Addr: agent?.remote.host ?? '',
    Remark: remark,
    Status: enabled,
    IsConnect: agent !== undefined,
    RateLimit: units(limits.total, KIB),
    Flow: flowOf(store.flowOf('client', id), limits),
    Rate: { NowRate: 0 },
    NoStore: false,
    NoDisplay: false,
    MaxConn: limits.connections ?? 0,
    NowConn: live?.visitors ?? 0,
    WebUserName: nameOf(webLogin),
    WebPassword: '',
    ConfigConnAllow: mayConfigure,
    MaxTunnelNum: maxTunnels ?? 0,
    Version: agent?.version ?? '',
  }
}

export const tunnelRow = (record: TunnelRecord, client: Row | null, { store, registry }: Sources): Row => {
  const { id, port, host, mode, enabled, limits, remark, targets, localPath, stripPrefix } = record
  const live = registry.tunnels.get(id)
  return {
    Id: id,
    Port: port ?? 0,
    ServerIp: isPrivate(mode) || host === ANY_HOST ? '' : (host ?? TUNNEL_HOST),
    Mode: npsModeOf(mode),
    Status: enabled,
    RunStatus: live !== undefined && enabled && live.problem === undefined,
    Client: client,
    Ports: '',
    Flow: flowOf(store.flowOf('tunnel', id), limits),
    Password: '',
    Remark: remark,
    TargetAddr: '',
    NoStore: false,
    LocalPath: localPath ?? '',
    StripPre: stripPrefix ?? '',
    Target: targetOf(targets),
    MultiAccount: null,
  }
}

export const hostRow = (record: HostRecord, client: Row | null, { store }: Sources): Row => {
  const { id, host, headers, hostChange, location, remark, scheme, certFile, keyFile, enabled, limits } =
    record
  return {
    Id: id,
    Host: host,
    HeaderChange: headers.map(([name, value]) => `${name}:${value}`).join('\n'),
    HostChange: hostChange ?? '',
    Location: location,
    Remark: remark,
    Scheme: scheme,
    CertFilePath: certFile ?? '',
    KeyFilePath: keyFile ?? '',
    NoStore: false,
    IsClose: !enabled,
    AutoHttps: record.autoHttps,
    Flow: flowOf(store.flowOf('host', id), limits),
    Client: client,
    Target: targetOf(record.targets),
  }
}

const targetOf = (targets: readonly string[]): object => ({
  TargetStr: targets.join('\n'),
  TargetArr: null,
  LocalProxy: false,
})

const nameOf = (login: Login | undefined): string => login?.name ?? ''
