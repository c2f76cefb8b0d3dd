import type { Address } from '@sluice/wire'
import type {
  ClientPatch,
  ClientRecord,
  HostPatch,
  NewClient,
  NewHost,
  NewTunnel,
  TunnelPatch,
} from './records.ts'

// What people and programs ask of the manager: records, and in place of hashes and ids what these are made of.

/** A name and password as somebody has written them; only a hash of the password is kept. */
export interface PlainLogin {
  readonly name: string
  readonly password: string
}

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

/** Shown once, and never again. */
export interface ClientKeys {
  readonly vkey: string
  /** For `client run --enroll-stdin`. Absent where nobody knows the address of the bridge. */
  readonly enroll?: string
}

export type AddedClient = ClientKeys & { readonly client: ClientRecord }

/** A new key for the native bridge. */
export interface Enrolment {
  /** As a client's record has it. */
  readonly publicKey: string
  /** What the client program is to be given. @param server where the bridge is, the first to be tried first */
  text(server: readonly Address[]): string
}
