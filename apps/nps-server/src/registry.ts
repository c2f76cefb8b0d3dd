import type { Shaper } from '@sluice/ratelimit'
import type { Account, Levels } from '@sluice/service'
import type { Agent } from './agent.ts'
import { AgentPool } from './agent-pool.ts'
import { Level } from './level.ts'
import type { ClientRecord, HostRecord, TunnelRecord } from './records.ts'
import { RegisteredAddresses } from './registered-addresses.ts'
import { TargetPicker } from './target-picker.ts'

export class LiveClient extends Level<ClientRecord> {
  readonly agents: AgentPool = new AgentPool()
  readonly registered: RegisteredAddresses = new RegisteredAddresses()
  readonly tunnels: Map<number, LiveTunnel> = new Map()
  readonly hosts: Map<number, LiveHost> = new Map()

  constructor(record: ClientRecord, shaper: Shaper, onAttention: () => void) {
    super('client', record, shaper, onAttention)
  }
}

export class LiveTunnel extends Level<TunnelRecord> {
  readonly client: LiveClient
  readonly targets: TargetPicker = new TargetPicker(() => this.record)
  /** Why it is not open to visitors; undefined: it is, or nobody tried yet. */
  problem: string | undefined = undefined

  constructor(record: TunnelRecord, client: LiveClient, shaper: Shaper, onAttention: () => void) {
    super('tunnel', record, shaper, onAttention)
    this.client = client
  }

  /** What a session of a visitor belongs to besides the client's user. */
  get levels(): Levels {
    return [this.client.account, this.account]
  }

  /** What the log tells of its listener and its sessions. */
  get fields(): { readonly tunnel: number; readonly clientId: number } {
    return { tunnel: this.record.id, clientId: this.client.record.id }
  }
}

export class LiveHost extends Level<HostRecord> {
  readonly client: LiveClient
  readonly targets: TargetPicker = new TargetPicker(() => this.record)
  /** Why it has no certificate that it should have, or not the next one. */
  problem: string | undefined = undefined

  constructor(record: HostRecord, client: LiveClient, shaper: Shaper, onAttention: () => void) {
    super('host', record, shaper, onAttention)
    this.client = client
  }

  get levels(): Levels {
    return [this.client.account, this.account]
  }
}

/** What is there while the program runs. Whoever follows is told once of all that changed together. */
export interface Registry {
  readonly clients: ReadonlyMap<number, LiveClient>
  readonly tunnels: ReadonlyMap<number, LiveTunnel>
  readonly hosts: ReadonlyMap<number, LiveHost>
  /** Hex SHA-256 of the MD5 hex text of a vkey. A disabled client is found as well. */
  byVkeyHash(hash: string): LiveClient | undefined
  /** Base64url of an Ed25519 key. A disabled client is found as well. */
  byPublicKey(key: string): LiveClient | undefined
  /** Of modes secret and p2p: hex SHA-256 of the MD5 hex text of the password. */
  byPasswordHash(hash: string): LiveTunnel | undefined
  /** The user whose limits hold for it too: that of the store, or the guest who has none. */
  ownerOf(client: LiveClient): Account
  /** Records that live as long as the program that brought them: in no store. They are removed with `drop`. */
  lend(
    client: LiveClient,
    records: { tunnels: readonly TunnelRecord[]; hosts: readonly HostRecord[] },
  ): Disposable
  /** A program of the client is here. */
  joined(client: LiveClient, agent: Agent): void
  /** @returns whether it was there */
  left(client: LiveClient, agent: Agent): boolean
  watch(onChange: () => void): Disposable
}
