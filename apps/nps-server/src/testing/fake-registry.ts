import { Shaper } from '@sluice/ratelimit'
import type { Account, Directory } from '@sluice/service'
import type { Agent } from '../agent.ts'
import type { Level } from '../level.ts'
import type { ClientRecord, HostRecord, NewHost, NewTunnel, TunnelRecord } from '../records.ts'
import { LiveClient, LiveHost, LiveTunnel, type Registry } from '../registry.ts'

const ignore = (): void => {}

/** Records in memory, for as long as a test lasts; whoever follows is told at once. */
export class FakeRegistry implements Registry {
  readonly clients: Map<number, LiveClient> = new Map()
  readonly tunnels: Map<number, LiveTunnel> = new Map()
  readonly hosts: Map<number, LiveHost> = new Map()
  readonly #directory: Directory
  readonly #shaper = new Shaper()
  readonly #followers = new Set<() => void>()
  #lastId = 0

  constructor(directory: Directory) {
    this.#directory = directory
  }

  addClient(fields: Partial<ClientRecord> = {}): LiveClient {
    const record: ClientRecord = { ...this.#common(), ...CLIENT, ...fields }
    const client = new LiveClient(record, this.#shaper, ignore)
    this.clients.set(record.id, client)
    this.tell()
    return client
  }

  addTunnel(client: LiveClient, fields: Omit<NewTunnel, 'clientId'>): LiveTunnel {
    const { id: clientId } = client.record
    const record: TunnelRecord = {
      ...this.#common(),
      targets: [],
      balance: 'roundRobin',
      clientId,
      ...fields,
    }
    const tunnel = new LiveTunnel(record, client, this.#shaper, ignore)
    this.tunnels.set(record.id, tunnel)
    client.tunnels.set(record.id, tunnel)
    this.tell()
    return tunnel
  }

  addHost(client: LiveClient, fields: Omit<NewHost, 'clientId'>): LiveHost {
    const { id: clientId } = client.record
    const record: HostRecord = { ...this.#common(), ...HOST, clientId, ...fields }
    const host = new LiveHost(record, client, this.#shaper, ignore)
    this.hosts.set(record.id, host)
    client.hosts.set(record.id, host)
    this.tell()
    return host
  }

  /** As a change of the store would. */
  patch<R extends ClientRecord | TunnelRecord | HostRecord>(level: Level<R>, fields: Partial<R>): void {
    level.update({ ...level.record, ...fields }, Date.now())
    this.tell()
  }

  removeTunnel(tunnel: LiveTunnel): void {
    this.tunnels.delete(tunnel.record.id)
    tunnel.client.tunnels.delete(tunnel.record.id)
    tunnel.remove()
    this.tell()
  }

  byVkeyHash(hash: string): LiveClient | undefined {
    return [...this.clients.values()].find(({ record }) => record.vkeyHash === hash)
  }

  byPublicKey(key: string): LiveClient | undefined {
    return [...this.clients.values()].find(({ record }) => record.publicKey === key)
  }

  byPasswordHash(hash: string): LiveTunnel | undefined {
    return [...this.tunnels.values()].find(({ record }) => record.passwordHash === hash)
  }

  ownerOf({ record }: LiveClient): Account {
    return this.#directory.byId(record.userId ?? '') ?? this.#directory.guest
  }

  lend(): Disposable {
    throw new Error('nothing is lent here')
  }

  joined(client: LiveClient, agent: Agent): void {
    client.agents.add(agent)
    this.tell()
  }

  left(client: LiveClient, agent: Agent): boolean {
    const wasThere = client.agents.remove(agent)
    this.tell()
    return wasThere
  }

  watch(onChange: () => void): Disposable {
    this.#followers.add(onChange)
    return { [Symbol.dispose]: () => void this.#followers.delete(onChange) }
  }

  tell(): void {
    for (const follower of this.#followers) follower()
  }

  close(): void {
    this.#shaper.close()
  }

  #common(): Pick<ClientRecord, 'id' | 'remark' | 'enabled' | 'limits' | 'createdAt'> {
    this.#lastId += 1
    return { id: this.#lastId, remark: '', enabled: true, limits: {}, createdAt: 0 }
  }
}

const CLIENT = { crypt: false, compress: false, selection: 'primary', mayConfigure: false } as const
const HOST = {
  location: '/',
  scheme: 'all',
  targets: [],
  balance: 'roundRobin',
  headers: [],
  passThrough: false,
  autoHttps: false,
  autoCert: false,
} as const
