import type {
  ClientPatch,
  ClientRecord,
  FlowTotals,
  HostPatch,
  HostRecord,
  Kind,
  NewClient,
  NewHost,
  NewTunnel,
  TunnelPatch,
  TunnelRecord,
} from '../records.ts'

// What the API needs of the store, and of whoever manages it.

type Eventually<T> = T | Promise<T>

/** A name and password as somebody has written them; only a hash of the password is kept. */
export interface PlainLogin {
  readonly name: string
  readonly password: string
}

/** What is told in clear where a record keeps a hash or an id. */
interface ClientSecrets {
  /** Name of a user of the store. */
  readonly user?: string
  readonly login?: PlainLogin
  readonly webLogin?: PlainLogin
}
interface TunnelSecrets {
  /** Of a secret or p2p tunnel. */
  readonly password?: string
  readonly logins?: readonly PlainLogin[]
}
type Clearable<T> = { readonly [K in keyof T]?: T[K] | null }
type ClientHashes = 'userId' | 'login' | 'webLogin' | 'vkeyHash' | 'publicKey'
type TunnelHashes = 'passwordHash' | 'logins'

/** With `vkey` the client keeps a key that it has already; without, a new one is made. */
export type ClientInput = Omit<NewClient, ClientHashes> & ClientSecrets & { readonly vkey?: string }
export type ClientChange = Omit<ClientPatch, ClientHashes> &
  Clearable<ClientSecrets> & { readonly vkey?: string }
export type TunnelInput = Omit<NewTunnel, TunnelHashes> & TunnelSecrets
export type TunnelChange = Omit<TunnelPatch, TunnelHashes> & Clearable<TunnelSecrets>
export type HostInput = NewHost
export type HostChange = HostPatch

/** Shown once. */
export interface ClientKeys {
  readonly vkey?: string | undefined
  /** For `client run --enroll-stdin`. Absent where nobody knows the address of the bridge. */
  readonly enroll?: string | undefined
}

/** All changes: each is checked, made and written to the audit log, under the name of who made it. Rejects with a RecordError. */
export interface Managing {
  addClient(input: ClientInput, by: string): Eventually<ClientKeys & { readonly client: ClientRecord }>
  patchClient(id: number, change: ClientChange, by: string): Eventually<ClientRecord>
  removeClient(id: number, by: string): Eventually<unknown>
  /** The old one is void at once. */
  newKey(id: number, by: string): Eventually<ClientKeys>
  addTunnel(input: TunnelInput, by: string): Eventually<TunnelRecord>
  patchTunnel(id: number, change: TunnelChange, by: string): Eventually<TunnelRecord>
  removeTunnel(id: number, by: string): Eventually<unknown>
  addHost(input: HostInput, by: string): Eventually<HostRecord>
  patchHost(id: number, change: HostChange, by: string): Eventually<HostRecord>
  removeHost(id: number, by: string): Eventually<unknown>
  resetFlow(kind: Kind, id: number, by: string): Eventually<unknown>
}

export const SCOPES = ['read', 'write'] as const
export type Scope = (typeof SCOPES)[number]

export interface TokenInput {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Wall clock, ms since 1970. Absent: never. */
  readonly expiresAt?: number
}

export interface TokenRecord extends TokenInput {
  readonly id: number
  /** Wall clock, ms since 1970. */
  readonly createdAt: number
}

export interface AuditEntry {
  /** Who did it. */
  readonly by: string
  readonly action: string
  /** To what. */
  readonly id?: number
  readonly before?: unknown
  readonly after?: unknown
}

export interface AuditRecord extends AuditEntry {
  readonly seq: number
  /** Wall clock, ms since 1970. */
  readonly at: number
}

/** Tokens of the API, by the hex SHA-256 of each. */
export interface Tokens {
  list(): readonly TokenRecord[]
  byHash(hash: string): TokenRecord | undefined
  add(input: TokenInput & { readonly hash: string }): TokenRecord
  /** @throws RecordError RECORD_UNKNOWN */
  remove(id: number): void
}

/** What is kept, as it is now. */
export interface Kept {
  readonly tokens: Tokens
  readonly audit: {
    append(entry: AuditEntry): void
    /** Newest first. */
    list(page: { readonly before?: number; readonly limit?: number }): readonly AuditRecord[]
  }
  clients(): readonly ClientRecord[]
  tunnels(): readonly TunnelRecord[]
  hosts(): readonly HostRecord[]
  flowOf(kind: Kind, id: number): FlowTotals
}
