import type { Limits } from '@sluice/userstore'

// What is kept of clients, tunnels and hosts. Ids are whole numbers from 1 on, for each of the three by itself, and never used
// again.

/** Limits of a client, a tunnel or a host; none that is absent. */
export type FlowLimits = Pick<
  Limits,
  | 'up'
  | 'down'
  | 'total'
  | 'burst'
  | 'connections'
  | 'quotaBytes'
  | 'quotaPeriod'
  | 'quotaAnchorDay'
  | 'quotaZone'
>

/** What all three have. */
interface Limited {
  readonly id: number
  /** What people wrote about it; '' for nothing. */
  readonly remark: string
  readonly enabled: boolean
  readonly limits: FlowLimits
  /** Wall clock, ms since 1970. Absent: never. */
  readonly expiresAt?: number
  /** Wall clock, ms since 1970. */
  readonly createdAt: number
  /** CIDRs of visitors. Absent: all are allowed; `deny` comes first. */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

/** A name, and the hash of its password as `hashPassword` of @sluice/userstore makes it. */
export interface Login {
  readonly name: string
  readonly hash: string
}

/** Which of several connected programs of one client is taken. */
export type Selection = 'primary' | 'roundRobin' | 'random'

export interface ClientRecord extends Limited {
  /** Of the user of the store whose limits hold for it too. Absent: it is nobody's. */
  readonly userId?: string
  /** Hex SHA-256 of the MD5 hex text of its vkey, for who comes by npc. */
  readonly vkeyHash?: string
  /** Base64url of the 32 octets of an Ed25519 key, for who comes by the native bridge. */
  readonly publicKey?: string
  /** Of visitors, at hosts and at proxies that have no logins of their own. */
  readonly login?: Login
  /** Of its user at the web API. */
  readonly webLogin?: Login
  /** Streams to npc: TLS within the stream, or snappy where there is no TLS. The native bridge is TLS always. */
  readonly crypt: boolean
  readonly compress: boolean
  readonly selection: Selection
  /** Most tunnels and hosts. Absent: any number. */
  readonly maxTunnels?: number
  /** Whether its program may bring tunnels of its own. */
  readonly mayConfigure: boolean
  /** Visitors come from addresses alone that were registered with its key lately (`npc register`). @default false */
  readonly registeredOnly?: boolean
}

export const TUNNEL_MODES = ['tcp', 'udp', 'socks5', 'httpProxy', 'mixed', 'secret', 'file', 'p2p'] as const
export type TunnelMode = (typeof TUNNEL_MODES)[number]

export type Balance = 'roundRobin' | 'leastConnections'

/** Of targets, from the server through the client's streams. */
export interface HealthCheck {
  readonly type: 'tcp' | 'http'
  /** Path of an HTTP check. */
  readonly path?: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** So many failures in a row take a target out; one success brings it back. */
  readonly failures: number
}

/** Where visitors of a tunnel come that says nothing else; and all of this machine's addresses. */
export const TUNNEL_HOST = '127.0.0.1'
export const ANY_HOST = '0.0.0.0'

export interface TunnelRecord extends Limited {
  readonly clientId: number
  readonly mode: TunnelMode
  /** Where visitors come to, TUNNEL_HOST unless told; of `secret` and `p2p`: nowhere. */
  readonly host?: string
  readonly port?: number
  /** `host:port` or a port of the client's loopback, of which there may be several; none for proxies and files. */
  readonly targets: readonly string[]
  readonly balance: Balance
  readonly health?: HealthCheck
  /** PROXY protocol in front of what goes to the target. */
  readonly proxyHeader?: 1 | 2
  /** Hex SHA-256 of the MD5 hex text of the password of a secret or p2p tunnel. */
  readonly passwordHash?: string
  /** Of visitors of a proxy. Absent or empty: the client's. */
  readonly logins?: readonly Login[]
  /** Of `file`: a folder below the one that the client shows, absent for that itself, and what is cut off the front of paths. */
  readonly localPath?: string
  readonly stripPrefix?: string
}

export type HostScheme = 'all' | 'http' | 'https'

export interface HostRecord extends Limited {
  readonly clientId: number
  /** A name, or `*.` and a name: lower case, without a port. */
  readonly host: string
  /** Path prefix; `/` for all. */
  readonly location: string
  readonly scheme: HostScheme
  readonly targets: readonly string[]
  readonly balance: Balance
  readonly health?: HealthCheck
  readonly proxyHeader?: 1 | 2
  /** What targets see as Host. Absent: what the visitor asked for. */
  readonly hostChange?: string
  /** Set in requests, in place of what the visitor sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** PEM files of its own certificate, read anew when they change. */
  readonly certFile?: string
  readonly keyFile?: string
  /** TLS goes through to the target, by its SNI. */
  readonly passThrough: boolean
  /** Visitors that come by http are sent to https. */
  readonly autoHttps: boolean
  /** Its certificate is asked for by ACME, and renewed. */
  readonly autoCert: boolean
  /** How much of what it answers is kept in memory, for others who ask for the same. Absent: nothing. */
  readonly cacheBytes?: number
}

/** New ones: what is absent has its default. */
type New<Record extends Limited, Needed extends keyof Record> = Pick<Record, Needed> &
  Partial<Omit<Record, Needed | 'id' | 'createdAt'>>
export type NewClient = New<ClientRecord, never>
export type NewTunnel = New<TunnelRecord, 'clientId' | 'mode'>
export type NewHost = New<HostRecord, 'clientId' | 'host'>

/** What to change: a key left out stays, null clears it. Lists and objects are replaced whole, `limits` key by key. */
type Patch<Record extends Limited, Fixed extends keyof Record> = {
  [K in Exclude<keyof Record, Fixed | 'id' | 'createdAt' | 'limits'>]?: Record[K] | null
} & { limits?: { [K in keyof FlowLimits]?: FlowLimits[K] | null } }
export type ClientPatch = Patch<ClientRecord, never>
export type TunnelPatch = Patch<TunnelRecord, 'clientId' | 'mode'>
export type HostPatch = Patch<HostRecord, 'clientId'>

export const KINDS = ['client', 'tunnel', 'host'] as const
export type Kind = (typeof KINDS)[number]

/** Payload bytes: inlet is visitor → client, up; export is client → visitor, down. */
export interface FlowTotals {
  readonly inlet: number
  readonly export: number
}
