import { type IniEntry, type IniFields, type IniProblem, parseIni, readIniFields } from './ini.ts'
import { iniCount, iniFlag, iniPort, iniPorts, iniText, type PortRange } from './ini-values.ts'

/** What `nps.conf` says, by its keys (`bridge_port` is `bridgePort`); a key that is missing or without a value is undefined. */
export interface NpsConf {
  readonly appname?: string
  readonly runmode?: string
  readonly httpProxyIp?: string
  readonly httpProxyPort?: number
  readonly httpsProxyPort?: number
  readonly httpsJustProxy?: boolean
  readonly httpsDefaultCertFile?: string
  readonly httpsDefaultKeyFile?: string
  readonly bridgeType?: string
  readonly bridgePort?: number
  readonly bridgeIp?: string
  readonly publicVkey?: string
  /** Minutes. */
  readonly flowStoreInterval?: number
  readonly logLevel?: number
  readonly logPath?: string
  readonly ipLimit?: boolean
  readonly p2pIp?: string
  readonly p2pPort?: number
  readonly webHost?: string
  readonly webUsername?: string
  readonly webPassword?: string
  readonly webPort?: number
  readonly webIp?: string
  readonly webBaseUrl?: string
  readonly webOpenSsl?: boolean
  readonly webCertFile?: string
  readonly webKeyFile?: string
  readonly authKey?: string
  readonly authCryptKey?: string
  readonly allowPorts?: readonly PortRange[]
  readonly allowUserLogin?: boolean
  readonly allowUserRegister?: boolean
  readonly allowUserChangeUsername?: boolean
  readonly allowFlowLimit?: boolean
  readonly allowRateLimit?: boolean
  readonly allowTunnelNumLimit?: boolean
  readonly allowLocalProxy?: boolean
  readonly allowConnectionNumLimit?: boolean
  readonly allowMultiIp?: boolean
  readonly systemInfoDisplay?: boolean
  readonly httpCache?: boolean
  readonly httpCacheLength?: number
  readonly httpAddOriginHeader?: boolean
  readonly pprofIp?: string
  readonly pprofPort?: number
  /** Pings of five seconds. */
  readonly disconnectTimeout?: number
}

export interface NpsConfFile {
  readonly conf: NpsConf
  readonly problems: readonly IniProblem[]
  /** Keys that nobody knows here. */
  readonly unknown: readonly IniEntry[]
}

/** `nps.conf`. Sections have no meaning there. */
export function readNpsConf(text: string): NpsConfFile {
  const problems: IniProblem[] = []
  const unknown: IniEntry[] = []
  const entries = parseIni(text, problems).flatMap((section) => section.entries)
  const lower = entries.map((entry) => ({ ...entry, key: entry.key.toLowerCase() }))
  return { conf: readIniFields<NpsConf>(lower, FIELDS, problems, unknown), problems, unknown }
}

const FIELDS: IniFields<NpsConf> = {
  appname: iniText,
  runmode: iniText,
  httpProxyIp: iniText,
  httpProxyPort: iniPort,
  httpsProxyPort: iniPort,
  httpsJustProxy: iniFlag,
  httpsDefaultCertFile: iniText,
  httpsDefaultKeyFile: iniText,
  bridgeType: iniText,
  bridgePort: iniPort,
  bridgeIp: iniText,
  publicVkey: iniText,
  flowStoreInterval: iniCount,
  logLevel: iniCount,
  logPath: iniText,
  ipLimit: iniFlag,
  p2pIp: iniText,
  p2pPort: iniPort,
  webHost: iniText,
  webUsername: iniText,
  webPassword: iniText,
  webPort: iniPort,
  webIp: iniText,
  webBaseUrl: iniText,
  webOpenSsl: iniFlag,
  webCertFile: iniText,
  webKeyFile: iniText,
  authKey: iniText,
  authCryptKey: iniText,
  allowPorts: iniPorts,
  allowUserLogin: iniFlag,
  allowUserRegister: iniFlag,
  allowUserChangeUsername: iniFlag,
  allowFlowLimit: iniFlag,
  allowRateLimit: iniFlag,
  allowTunnelNumLimit: iniFlag,
  allowLocalProxy: iniFlag,
  allowConnectionNumLimit: iniFlag,
  allowMultiIp: iniFlag,
  systemInfoDisplay: iniFlag,
  httpCache: iniFlag,
  httpCacheLength: iniCount,
  httpAddOriginHeader: iniFlag,
  pprofIp: iniText,
  pprofPort: iniPort,
  disconnectTimeout: iniCount,
}
