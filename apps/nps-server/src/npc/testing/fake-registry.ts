import { Shaper } from '@sluice/ratelimit'
import type { Account, Directory } from '@sluice/service'
import type { Agent } from '../../agent.ts'
import type { ClientRecord, HostRecord, NewTunnel, TunnelRecord } from '../../records.ts'
import { LiveClient, LiveHost, LiveTunnel, type Registry } from '../../registry.ts'
import { hashOfMd5 } from '../handshake.ts'
import { md5Of } from '../md5.ts'

const ignore = (): void => {}
const CLIENT = { crypt: false, compress: false, selection: 'primary', mayConfigure: false } as const

/** Records in memory, and who came and went. */
export class FakeRegistry implements Registry {
  readonly clients: Map<number, LiveClient> = new Map()
  readonly tunnels: Map<number, LiveTunnel> = new Map()
  readonly hosts: Map<number, LiveHost> = new Map()
  /** `joined` and `left`, in order. */
  readonly events: string[] = []
  lastJoined: Agent | undefined = undefined
  readonly #directory: Directory
  readonly #shaper = new Shaper()
  readonly #followers = new Set<() => void>()
  #lastId = 0

  constructor(directory: Directory) {
    this.#directory = directory
  }

  addClient(vkey: string, fields: Partial<ClientRecord> = {}): LiveClient {
    const vkeyHash = hashOfMd5(md5Of(vkey))
    const client = new LiveClient({ ...this.#common(), ...CLIENT, vkeyHash, ...fields }, this.#shaper, ignore)
    this.clients.set(client.record.id, client)
    return client
  }

  addTunnel(client: LiveClient, fields: Omit<NewTunnel, 'clientId'>): LiveTunnel {
    const { id: clientId } = client.record
    return this.#put(client, { ...this.#common(), targets: [], balance: 'roundRobin', clientId, ...fields })
  }

  patch(client: LiveClient, fields: Partial<ClientRecord>): void {
    client.update({ ...client.record, ...fields }, Date.now())
    this.tell()
  }

  removeClient(client: LiveClient): void {
    this.clients.delete(client.record.id)
    client.remove()
    this.tell()
  }

  byVkeyHash(hash: string): LiveClient | undefined {
    return [...this.clients.values()].find(({ record }) => record.vkeyHash === hash)
  }

  byPublicKey(): undefined {
    return undefined
  }

  byPasswordHash(hash: string): LiveTunnel | undefined {
    return [...this.tunnels.values()].find(({ record }) => record.passwordHash === hash)
  }

  ownerOf({ record }: LiveClient): Account {
    return this.#directory.byId(record.userId ?? '') ?? this.#directory.guest
  }

  lend(
    client: LiveClient,
    { tunnels, hosts }: { tunnels: readonly TunnelRecord[]; hosts: readonly HostRecord[] },
  ): Disposable {
    const lent = tunnels.map((record) => this.#put(client, record))
    const lentHosts = hosts.map((record) => new LiveHost(record, client, this.#shaper, ignore))
    for (const host of lentHosts) this.hosts.set(host.record.id, host)
    for (const host of lentHosts) client.hosts.set(host.record.id, host)
    const take = (): void => {
      for (const { record } of lent) this.tunnels.delete(record.id)
      for (const { record } of lent) client.tunnels.delete(record.id)
      for (const { record } of lentHosts) this.hosts.delete(record.id)
      for (const { record } of lentHosts) client.hosts.delete(record.id)
    }
    return { [Symbol.dispose]: take }
  }

  joined(client: LiveClient, agent: Agent): void {
    client.agents.add(agent)
    this.events.push('joined')
    this.lastJoined = agent
    this.tell()
  }

  left(client: LiveClient, agent: Agent): boolean {
    const wasThere = client.agents.remove(agent)
    this.events.push('left')
    this.tell()
    return wasThere
  }

  watch(onChange: () => void): Disposable {
    this.#followers.add(onChange)
    return { [Symbol.dispose]: () => void this.#followers.delete(onChange) }
  }

  /** Resolves when `condition` holds after something has changed. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      using _ = this.watch(resolve)
      await promise
    }
  }

  tell(): void {
    for (const follower of this.#followers) follower()
  }

  close(): void {
    this.#shaper.close()
  }

  #put(client: LiveClient, record: TunnelRecord): LiveTunnel {
    const tunnel = new LiveTunnel(record, client, this.#shaper, ignore)
    this.tunnels.set(record.id, tunnel)
    client.tunnels.set(record.id, tunnel)
    return tunnel
  }

  #common(): Pick<ClientRecord, 'id' | 'remark' | 'enabled' | 'limits' | 'createdAt'> {
    this.#lastId += 1
    return { id: this.#lastId, remark: '', enabled: true, limits: {}, createdAt: 0 }
  }
}
