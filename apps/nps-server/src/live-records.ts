import { Shaper } from '@sluice/ratelimit'
import type { Agent } from './agent.ts'
import { KeyIndex } from './key-index.ts'
import type { AnyLevel } from './level-ledger.ts'
import type { ClientRecord, HostRecord, Kind, TunnelRecord } from './records.ts'
import { LiveClient, LiveHost, LiveTunnel } from './registry.ts'

/** The ledger looks by itself often enough. */
const inTime = (): void => {}

/** Clients, tunnels and hosts while the program runs: each stays the same object as long as it is there. */
export class LiveRecords {
  readonly clients: Map<number, LiveClient> = new Map()
  readonly tunnels: Map<number, LiveTunnel> = new Map()
  readonly hosts: Map<number, LiveHost> = new Map()
  readonly vkeys: KeyIndex<LiveClient> = new KeyIndex()
  readonly publicKeys: KeyIndex<LiveClient> = new KeyIndex()
  readonly passwords: KeyIndex<LiveTunnel> = new KeyIndex()
  readonly shaper: Shaper = new Shaper()
  readonly #now: () => number
  readonly #onGone: (level: AnyLevel) => void

  constructor({ now, onGone }: { now: () => number; onGone: (level: AnyLevel) => void }) {
    this.#now = now
    this.#onGone = onGone
  }

  /** Client by client, each with its tunnels and hosts. */
  *levels(): Iterable<AnyLevel> {
    for (const client of this.clients.values()) {
      yield client
      yield* client.tunnels.values()
      yield* client.hosts.values()
    }
  }

  find(kind: Kind, id: number): AnyLevel | undefined {
    if (kind === 'client') return this.clients.get(id)
    return (kind === 'tunnel' ? this.tunnels : this.hosts).get(id)
  }

  /** @param settle gives it its usage, before or after the limits change */
  putClient(record: ClientRecord, settle: Settle): void {
    let client = this.clients.get(record.id)
    const old = client?.record
    if (client === undefined) {
      client = new LiveClient(record, this.shaper, inTime)
      this.clients.set(record.id, client)
    }
    this.vkeys.move(client, old?.vkeyHash, record.vkeyHash)
    this.publicKeys.move(client, old?.publicKey, record.publicKey)
    settle(client, () => client.update(record, this.#now()))
    if (old !== undefined) revoke(client, old)
  }

  /** Nothing of a client that is not there. */
  putTunnel(record: TunnelRecord, settle: Settle): void {
    const client = this.clients.get(record.clientId)
    if (client === undefined) return
    let tunnel = this.tunnels.get(record.id)
    const old = tunnel?.record
    if (tunnel === undefined) {
      tunnel = new LiveTunnel(record, client, this.shaper, inTime)
      this.tunnels.set(record.id, tunnel)
      client.tunnels.set(record.id, tunnel)
    }
    this.passwords.move(tunnel, old?.passwordHash, record.passwordHash)
    settle(tunnel, () => tunnel.update(record, this.#now()))
  }

  /** Nothing of a client that is not there. */
  putHost(record: HostRecord, settle: Settle): void {
    const client = this.clients.get(record.clientId)
    if (client === undefined) return
    let host = this.hosts.get(record.id)
    if (host === undefined) {
      host = new LiveHost(record, client, this.shaper, inTime)
      this.hosts.set(record.id, host)
      client.hosts.set(record.id, host)
    }
    settle(host, () => host.update(record, this.#now()))
  }

  /** With its tunnels and hosts, and its programs are sent away. */
  dropClient(id: number): void {
    const client = this.clients.get(id)
    if (client === undefined) return
    for (const tunnel of client.tunnels.keys()) this.dropTunnel(tunnel)
    for (const host of client.hosts.keys()) this.dropHost(host)
    this.clients.delete(id)
    this.vkeys.move(client, client.record.vkeyHash, undefined)
    this.publicKeys.move(client, client.record.publicKey, undefined)
    this.#gone(client)
    client.agents.closeAll('the client was removed')
  }

  dropTunnel(id: number): void {
    const tunnel = this.tunnels.get(id)
    if (tunnel === undefined) return
    this.tunnels.delete(id)
    tunnel.client.tunnels.delete(id)
    this.passwords.move(tunnel, tunnel.record.passwordHash, undefined)
    this.#gone(tunnel)
  }

  dropHost(id: number): void {
    const host = this.hosts.get(id)
    if (host === undefined) return
    this.hosts.delete(id)
    host.client.hosts.delete(id)
    this.#gone(host)
  }

  #gone(level: AnyLevel): void {
    level.remove()
    this.shaper.remove(level.account.user.id)
    this.#onGone(level)
  }
}

/** `update` is to be called once. */
export type Settle = (level: AnyLevel, update: () => void) => void

/** Programs that signed in with a key which is none any more have to go. */
function revoke({ agents, record }: LiveClient, old: ClientRecord): void {
  const isVoid: Record<Agent['kind'], boolean> = {
    npc: old.vkeyHash !== record.vkeyHash,
    native: old.publicKey !== record.publicKey,
  }
  for (const agent of [...agents.all]) if (isVoid[agent.kind]) agent.close('the key was changed')
}
