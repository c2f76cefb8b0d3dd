import { goBoolean, goInteger, goList, goMap, type GoReader, goStruct, goText, plainMap } from './go-json.ts'

// Fields have the names that they have in the files and on the wire. What only tells of a running server is left out.

/** In octets, but for the limit, which is in MiB; 0 is no limit. Inlet is what visitors sent. */
export interface NpsFlow {
  readonly ExportFlow: number
  readonly InletFlow: number
  readonly FlowLimit: number
}

/** Name and password for visitors, and what is done to streams. */
export interface NpsClientConfig {
  readonly U: string
  readonly P: string
  readonly Compress: boolean
  readonly Crypt: boolean
}

export interface NpsClient {
  readonly Id: number
  readonly Cnf: NpsClientConfig
  readonly VerifyKey: string
  readonly Remark: string
  /** Whether it may come in. */
  readonly Status: boolean
  /** KiB each second, 0 is no limit. */
  readonly RateLimit: number
  readonly Flow: NpsFlow
  readonly NoStore: boolean
  readonly NoDisplay: boolean
  readonly MaxConn: number
  readonly MaxTunnelNum: number
  readonly WebUserName: string
  readonly WebPassword: string
  readonly ConfigConnAllow: boolean
  /** From here on only forks have them. */
  readonly BlackIpList: readonly string[]
  readonly IpWhite: boolean
  readonly IpWhitePass: string
  readonly IpWhiteList: readonly string[]
  readonly CreateTime: string
  readonly ExpireTime: string
}

/** What files say of a tunnel's client: the rest is a copy that nobody reads. */
export interface NpsClientRef {
  readonly Id: number
}

/** Addresses by lines, or as a list. */
export interface NpsTarget {
  readonly TargetStr: string
  readonly TargetArr: readonly string[]
  readonly LocalProxy: boolean
}

export interface NpsTunnel {
  readonly Id: number
  readonly Port: number
  /** From a client's own file: ranges such as `9006-9010,9012`. */
  readonly Ports: string
  readonly ServerIp: string
  readonly Mode: string
  readonly Status: boolean
  readonly Client: NpsClientRef
  readonly Flow: NpsFlow
  readonly Password: string
  readonly Remark: string
  readonly TargetAddr: string
  readonly NoStore: boolean
  readonly LocalPath: string
  readonly StripPre: string
  readonly Target: NpsTarget
  readonly MultiAccount: NpsAccounts
  /** In seconds, as the interval. */
  readonly HealthCheckTimeout: number
  readonly HealthMaxFail: number
  readonly HealthCheckInterval: number
  readonly HttpHealthUrl: string
  readonly HealthCheckType: string
  readonly HealthCheckTarget: string
  /** Only forks have it. */
  readonly ProtoVersion: string
}

/** Passwords by name. */
export interface NpsAccounts {
  readonly AccountMap: ReadonlyMap<string, string>
}

export interface NpsHost {
  readonly Id: number
  readonly Host: string
  /** `Name:value` by lines. */
  readonly HeaderChange: string
  readonly HostChange: string
  readonly Location: string
  readonly Remark: string
  readonly Scheme: string
  readonly CertFilePath: string
  readonly KeyFilePath: string
  readonly NoStore: boolean
  readonly IsClose: boolean
  readonly Flow: NpsFlow
  readonly Client: NpsClientRef
  readonly Target: NpsTarget
  /** Only forks have it. */
  readonly AutoHttps: boolean
}

/** What a fork has for all clients. */
export interface NpsGlobal {
  readonly BlackIpList: readonly string[]
  readonly ServerUrl: string
}

const texts = goList(goText)
const flow = goStruct<NpsFlow>({ ExportFlow: goInteger, InletFlow: goInteger, FlowLimit: goInteger })
const clientRef = goStruct<NpsClientRef>({ Id: goInteger })
const target = goStruct<NpsTarget>({ TargetStr: goText, TargetArr: texts, LocalProxy: goBoolean })

export const npsClient: GoReader<NpsClient> = goStruct<NpsClient>({
  Id: goInteger,
  Cnf: goStruct<NpsClientConfig>({ U: goText, P: goText, Compress: goBoolean, Crypt: goBoolean }),
  VerifyKey: goText,
  Remark: goText,
  Status: goBoolean,
  RateLimit: goInteger,
  Flow: flow,
  NoStore: goBoolean,
  NoDisplay: goBoolean,
  MaxConn: goInteger,
  MaxTunnelNum: goInteger,
  WebUserName: goText,
  WebPassword: goText,
  ConfigConnAllow: goBoolean,
  BlackIpList: texts,
  IpWhite: goBoolean,
  IpWhitePass: goText,
  IpWhiteList: texts,
  CreateTime: goText,
  ExpireTime: goText,
})

export const npsTunnel: GoReader<NpsTunnel> = goStruct<NpsTunnel>({
  Id: goInteger,
  Port: goInteger,
  Ports: goText,
  ServerIp: goText,
  Mode: goText,
  Status: goBoolean,
  Client: clientRef,
  Flow: flow,
  Password: goText,
  Remark: goText,
  TargetAddr: goText,
  NoStore: goBoolean,
  LocalPath: goText,
  StripPre: goText,
  Target: target,
  MultiAccount: goStruct<NpsAccounts>({ AccountMap: goMap(goText) }),
  HealthCheckTimeout: goInteger,
  HealthMaxFail: goInteger,
  HealthCheckInterval: goInteger,
  HttpHealthUrl: goText,
  HealthCheckType: goText,
  HealthCheckTarget: goText,
  ProtoVersion: goText,
})

export const npsHost: GoReader<NpsHost> = goStruct<NpsHost>({
  Id: goInteger,
  Host: goText,
  HeaderChange: goText,
  HostChange: goText,
  Location: goText,
  Remark: goText,
  Scheme: goText,
  CertFilePath: goText,
  KeyFilePath: goText,
  NoStore: goBoolean,
  IsClose: goBoolean,
  Flow: flow,
  Client: clientRef,
  Target: target,
  AutoHttps: goBoolean,
})

export const npsGlobal: GoReader<NpsGlobal> = goStruct<NpsGlobal>({ BlackIpList: texts, ServerUrl: goText })

/** For `JSON.stringify`. */
export function plainTunnel(tunnel: NpsTunnel): object {
  return { ...tunnel, MultiAccount: { AccountMap: plainMap(tunnel.MultiAccount.AccountMap) } }
}
