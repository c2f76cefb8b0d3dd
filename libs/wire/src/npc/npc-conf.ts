import {
  type IniEntry,
  type IniFields,
  type IniProblem,
  type IniSection,
  parseIni,
  readIniFields,
} from './ini.ts'
import { iniCount, iniFlag, iniList, iniPort, iniPorts, iniText, type PortRange } from './ini-values.ts'

/** `[common]` of `npc.conf`, by its keys; what is missing or without a value is undefined. */
export interface NpcCommon {
  readonly serverAddr?: string
  readonly connType?: string
  readonly vkey?: string
  readonly autoReconnection?: boolean
  readonly maxConn?: number
  /** MiB. */
  readonly flowLimit?: number
  /** KiB each second. */
  readonly rateLimit?: number
  readonly basicUsername?: string
  readonly basicPassword?: string
  readonly webUsername?: string
  readonly webPassword?: string
  readonly crypt?: boolean
  readonly compress?: boolean
  readonly proxyUrl?: string
  readonly remark?: string
  readonly pprofAddr?: string
  /** Pings of five seconds. */
  readonly disconnectTimeout?: number
}

interface HostFields {
  readonly host?: string
  readonly targetAddr?: readonly string[]
  readonly hostChange?: string
  readonly location?: string
  readonly scheme?: string
}

/** A section with `host`. */
export interface NpcConfHost extends HostFields {
  readonly name: string
  /** Of `header_X` keys. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

interface TunnelFields {
  readonly mode?: string
  readonly serverPort?: readonly PortRange[]
  readonly serverIp?: string
  readonly targetAddr?: readonly string[]
  readonly targetPort?: readonly PortRange[]
  readonly targetIp?: string
  readonly password?: string
  readonly localPath?: string
  readonly stripPre?: string
  /** A file of names and passwords, see `readNpsAccounts`. */
  readonly multiAccount?: string
}

export interface NpcConfTunnel extends TunnelFields {
  readonly name: string
}

interface VisitorFields {
  readonly localPort?: number
  readonly localIp?: string
  readonly password?: string
  readonly targetAddr?: string
}

/** A section `secret…` or `p2p…` without `mode`: somebody else's tunnel, opened here. */
export interface NpcConfVisitor extends VisitorFields {
  readonly name: string
  readonly type: 'secret' | 'p2p'
}

interface HealthFields {
  /** Seconds. */
  readonly healthCheckTimeout?: number
  readonly healthCheckMaxFailed?: number
  readonly healthCheckInterval?: number
  readonly healthHttpUrl?: string
  readonly healthCheckType?: string
  readonly healthCheckTarget?: readonly string[]
}

/** A section `health…`: a check of targets. */
export interface NpcConfHealth extends HealthFields {
  readonly name: string
}

export interface NpcConf {
  readonly common: NpcCommon
  readonly hosts: readonly NpcConfHost[]
  readonly tunnels: readonly NpcConfTunnel[]
  readonly visitors: readonly NpcConfVisitor[]
  readonly healths: readonly NpcConfHealth[]
}

export interface NpcConfFile {
  readonly conf: NpcConf
  readonly problems: readonly IniProblem[]
  /** Keys that nobody knows where they stand. */
  readonly unknown: readonly IniEntry[]
}

/** `npc.conf`. */
export function readNpcConf(text: string): NpcConfFile {
  const problems: IniProblem[] = []
  const unknown: IniEntry[] = []
  const [front, ...sections] = parseIni(text, problems)
  unknown.push(...front!.entries)
  checkNames(sections, problems)
  const read = <T>({ entries }: IniSection, fields: IniFields<T>): Partial<T> =>
    readIniFields<T>(entries, fields, problems, unknown)
  const conf = { common: {} as NpcCommon, hosts: [] as NpcConfHost[], tunnels: [] as NpcConfTunnel[], visitors: [] as NpcConfVisitor[], healths: [] as NpcConfHealth[] } // prettier-ignore
  for (const section of sections) {
    const { name } = section
    const kind = kindOf(section)
    if (kind === 'common') conf.common = read<NpcCommon>(section, COMMON)
    else if (kind === 'health') conf.healths.push({ name, ...read<HealthFields>(section, HEALTH) })
    else if (kind === 'host') conf.hosts.push(hostOf(section, problems, unknown))
    else if (kind === 'tunnel') conf.tunnels.push({ name, ...read<TunnelFields>(section, TUNNEL) })
    else conf.visitors.push({ name, type: kind, ...read<VisitorFields>(section, VISITOR) })
  }
  return { conf, problems, unknown }
}

/** A file of `multi_account`: passwords by name. */
export function readNpsAccounts(text: string): {
  readonly accounts: ReadonlyMap<string, string>
  readonly problems: readonly IniProblem[]
} {
  const problems: IniProblem[] = []
  const entries = parseIni(text, problems).flatMap((section) => section.entries)
  return { accounts: new Map(entries.map(({ key, value }) => [key, value])), problems }
}

type SectionKind = 'common' | 'health' | 'host' | 'tunnel' | NpcConfVisitor['type']

function kindOf({ name, entries }: IniSection): SectionKind {
  const has = (key: string): boolean => entries.some((entry) => entry.key === key)
  if (name.startsWith('secret') && !has('mode')) return 'secret'
  if (name.startsWith('p2p') && !has('mode')) return 'p2p'
  if (name.startsWith('health')) return 'health'
  if (name === 'common') return 'common'
  return has('host') ? 'host' : 'tunnel'
}

function hostOf(section: IniSection, problems: IniProblem[], unknown: IniEntry[]): NpcConfHost {
  const headers = section.entries
    .filter(isHeader)
    .map(({ key, value }) => [key.slice(HEADER.length), value] as const)
  const rest = section.entries.filter((entry) => !isHeader(entry))
  return { name: section.name, headers, ...readIniFields<HostFields>(rest, HOST, problems, unknown) }
}

function checkNames(sections: readonly IniSection[], problems: IniProblem[]): void {
  const seen = new Set<string>()
  for (const { name, line } of sections) {
    if (seen.has(name)) problems.push({ line, message: 'a section that is there already' })
    seen.add(name)
  }
}

const HEADER = 'header_'
const isHeader = ({ key }: IniEntry): boolean => key.startsWith(HEADER)

const COMMON: IniFields<NpcCommon> = {
  serverAddr: iniText,
  connType: iniText,
  vkey: iniText,
  autoReconnection: iniFlag,
  maxConn: iniCount,
  flowLimit: iniCount,
  rateLimit: iniCount,
  basicUsername: iniText,
  basicPassword: iniText,
  webUsername: iniText,
  webPassword: iniText,
  crypt: iniFlag,
  compress: iniFlag,
  proxyUrl: iniText,
  remark: iniText,
  pprofAddr: iniText,
  disconnectTimeout: iniCount,
}

const HOST: IniFields<HostFields> = {
  host: iniText,
  targetAddr: iniList,
  hostChange: iniText,
  location: iniText,
  scheme: iniText,
}

const TUNNEL: IniFields<TunnelFields> = {
  mode: iniText,
  serverPort: iniPorts,
  serverIp: iniText,
  targetAddr: iniList,
  targetPort: iniPorts,
  targetIp: iniText,
  password: iniText,
  localPath: iniText,
  stripPre: iniText,
  multiAccount: iniText,
}

const VISITOR: IniFields<VisitorFields> = {
  localPort: iniPort,
  localIp: iniText,
  password: iniText,
  targetAddr: iniText,
}

const HEALTH: IniFields<HealthFields> = {
  healthCheckTimeout: iniCount,
  healthCheckMaxFailed: iniCount,
  healthCheckInterval: iniCount,
  healthHttpUrl: iniText,
  healthCheckType: iniText,
  healthCheckTarget: iniList,
}
