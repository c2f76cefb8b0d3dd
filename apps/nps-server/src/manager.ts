import type { PortRange } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { parseAddress } from '@sluice/wire'
import { checkCertificate } from './certificate-check.ts'
import { difference, withoutSecrets } from './manager-audit.ts'
import type {
  AddedClient,
  ClientChange,
  ClientInput,
  ClientKeys,
  Enrolment,
  HostChange,
  HostInput,
  TunnelChange,
  TunnelInput,
} from './manager-inputs.ts'
import { hashedClient, hashedTunnel, makeVkey, type UserIdOf } from './manager-secrets.ts'
import { portsOf, targetsOfEach } from './port-list.ts'
import type { ClientRecord, HostRecord, Kind, NewTunnel, TunnelRecord } from './records.ts'
import { npcHash } from './secret-hash.ts'
import { RecordError } from './store/record-error.ts'
import type { RecordStore } from './store/record-store.ts'

export interface ManagerOptions {
  readonly store: RecordStore
  /** Of a user of the user store, by name. */
  readonly userIdOf: UserIdOf
  /** Those that tunnels may be opened at; may change. */
  readonly ports: () => readonly PortRange[]
  /** Makes a key for the native bridge. */
  readonly enrol: () => Enrolment
  /** Where the bridge is, where no server has said so yet. @default nobody knows */
  readonly bridge?: Address | undefined
}

/** Where servers write down what their bridge was bound to. */
const BRIDGE = 'bridge'

/** The server that runs tells which address its bridge has, for the enrolments that are made from now on. */
export const rememberBridge = (store: RecordStore, address: string): void => store.setMeta(BRIDGE, address)

/**
 * All changes of clients, tunnels and hosts, whoever asks for them: checked, made, and written to the audit in one step.
 * `by` is who asks, such as `cli` or `token:ci`. All reject with RecordError, and StoreError as the store says.
 */
export class Manager {
  readonly #options: ManagerOptions
  readonly #store: RecordStore

  constructor(options: ManagerOptions) {
    this.#options = options
    this.#store = options.store
  }

  /** @param server what the enrolment says, in place of what the server said last */
  async addClient(input: ClientInput, by: string, server?: readonly Address[]): Promise<AddedClient> {
    const vkey = input.vkey ?? makeVkey()
    const { publicKey, enroll } = this.#enrolment(server)
    const fields = await hashedClient({ ...input, vkey }, this.#options.userIdOf)
    const client = this.#change('client.add', by, () => {
      const after = this.#store.addClient({ ...fields, publicKey })
      return { id: after.id, after, result: after }
    })
    return { client, vkey, ...(enroll !== undefined && { enroll }) }
  }

  async patchClient(id: number, change: ClientChange, by: string): Promise<ClientRecord> {
    const patch = await hashedClient(change, this.#options.userIdOf)
    return this.#change('client.set', by, () => {
      const before = this.#store.client(id)
      const after = this.#store.patchClient(id, patch)
      return { id, ...difference(before, after), result: after }
    })
  }

  /** With its tunnels and hosts. */
  async removeClient(id: number, by: string): Promise<void> {
    this.#change('client.remove', by, () => {
      const before = this.#store.client(id)
      const owned = ({ clientId }: { clientId: number }): boolean => clientId === id
      const tunnels = this.#store.tunnels().filter(owned)
      const hosts = this.#store.hosts().filter(owned)
      this.#store.removeClient(id)
      return { id, before: { ...before, tunnels, hosts }, result: undefined }
    })
  }

  /** Another vkey and another enrolment; the old ones are void at once. */
  async newKey(id: number, by: string, server?: readonly Address[]): Promise<ClientKeys> {
    const vkey = makeVkey()
    const { publicKey, enroll } = this.#enrolment(server)
    this.#change('client.new-key', by, () => {
      this.#store.patchClient(id, { vkeyHash: npcHash(vkey), publicKey })
      return { id, result: undefined }
    })
    return { vkey, ...(enroll !== undefined && { enroll }) }
  }

  async addTunnel(input: TunnelInput, by: string): Promise<TunnelRecord> {
    const fields = await hashedTunnel(input)
    return this.#change('tunnel.add', by, () => this.#addTunnel(fields))
  }

  /**
   * A tunnel for each of several ports, all or none. Targets that are ranges, such as `10.0.0.1:9001-9010`, go port by port.
   * @param ports such as `8001-8010`
   */
  async addTunnels(
    { ports, ...input }: Omit<TunnelInput, 'port'> & { readonly ports: string },
    by: string,
  ): Promise<TunnelRecord[]> {
    const fields = await hashedTunnel(input)
    const all = portsOf(ports)
    const targets = targetsOfEach(fields.targets ?? [], all.length)
    return this.#store.transaction(() =>
      all.map((port, nth) =>
        this.#change('tunnel.add', by, () =>
          this.#addTunnel({ ...fields, port, targets: targets[nth] ?? [] }),
        ),
      ),
    )
  }

  async patchTunnel(id: number, change: TunnelChange, by: string): Promise<TunnelRecord> {
    const patch = await hashedTunnel(change)
    return this.#change('tunnel.set', by, () => {
      const before = this.#store.tunnel(id)
      if (typeof patch.port === 'number' && patch.port !== before.port) this.#checkPort(patch.port)
      const after = this.#store.patchTunnel(id, patch)
      return { id, ...difference(before, after), result: after }
    })
  }

  async removeTunnel(id: number, by: string): Promise<void> {
    this.#change('tunnel.remove', by, () => {
      const before = this.#store.tunnel(id)
      this.#store.removeTunnel(id)
      return { id, before, result: undefined }
    })
  }

  async addHost(input: HostInput, by: string): Promise<HostRecord> {
    await checkFilesOf(input)
    return this.#change('host.add', by, () => {
      const after = this.#store.addHost(input)
      return { id: after.id, after, result: after }
    })
  }

  async patchHost(id: number, change: HostChange, by: string): Promise<HostRecord> {
    const { certFile, keyFile } = change
    // What stays as it is may be gone: a host is to be switched off all the same.
    if (certFile ?? keyFile) await checkFilesOf({ ...this.#store.host(id), ...change })
    return this.#change('host.set', by, () => {
      const before = this.#store.host(id)
      const after = this.#store.patchHost(id, change)
      return { id, ...difference(before, after), result: after }
    })
  }

  async removeHost(id: number, by: string): Promise<void> {
    this.#change('host.remove', by, () => {
      const before = this.#store.host(id)
      this.#store.removeHost(id)
      return { id, before, result: undefined }
    })
  }

  /** It counts from 0 from now on, its quota too. */
  async resetFlow(kind: Kind, id: number, by: string): Promise<void> {
    this.#change(`${kind}.reset-flow`, by, () => {
      const before = this.#store.flowOf(kind, id)
      this.#store.resetFlow(kind, id)
      return { id, before, result: undefined }
    })
  }

  #addTunnel(fields: NewTunnel): { id: number; after: TunnelRecord; result: TunnelRecord } {
    if (fields.port !== undefined) this.#checkPort(fields.port)
    const after = this.#store.addTunnel(fields)
    return { id: after.id, after, result: after }
  }

  /** Port 0 is any that is free, and none that others have use for. */
  #checkPort(port: number): void {
    const isAllowed = this.#options.ports().some(({ first, last }) => first <= port && port <= last)
    if (isAllowed || port === 0) return
    throw new RecordError('RECORD_VALUE', `port: ${port} is not among those that --ports allows`)
  }

  #enrolment(server: readonly Address[] = this.#bridge()): { publicKey: string; enroll: string | undefined } {
    const enrolment = this.#options.enrol()
    return {
      publicKey: enrolment.publicKey,
      enroll: server.length === 0 ? undefined : enrolment.text(server),
    }
  }

  #bridge(): readonly Address[] {
    const known = this.#store.meta(BRIDGE)
    const address = known === undefined ? this.#options.bridge : parseAddress(known)
    return address === undefined ? [] : [reachable(address)]
  }

  #change<T>(
    action: string,
    by: string,
    act: () => { id: number; before?: object; after?: object; result: T },
  ): T {
    return this.#store.transaction(() => {
      const { id, before, after, result } = act()
      this.#store.audit.append({
        by,
        action,
        id,
        ...(before && { before: withoutSecrets(before) }),
        ...(after && { after: withoutSecrets(after) }),
      })
      return result
    })
  }
}

/** One without the other is for the store to refuse. */
const checkFilesOf = async ({
  certFile: cert,
  keyFile: key,
}: Pick<HostChange, 'certFile' | 'keyFile'>): Promise<void> => {
  if (typeof cert === 'string' && typeof key === 'string') await checkCertificate({ cert, key })
}

/** Nobody can connect to all addresses at once; from this machine loopback is among them. */
const reachable = ({ host, port }: Address): Address => {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port }
  return host === '::' ? { host: '::1', port } : { host, port }
}
