import type { ClientRecord, FlowTotals, HostRecord, Kind, TunnelRecord } from '../../records.ts'
import type {
  AuditEntry,
  AuditRecord,
  ClientChange,
  ClientInput,
  ClientKeys,
  HostChange,
  HostInput,
  Kept,
  Managing,
  TokenRecord,
  Tokens,
  TunnelChange,
  TunnelInput,
} from '../managing.ts'

class Refused extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Records in memory, which are managed without asking much. */
export class FakeRecords implements Kept, Managing {
  readonly entries: AuditRecord[] = []
  readonly flows: Map<string, FlowTotals> = new Map()
  /** All that was asked for, as it was given. */
  readonly asked: unknown[][] = []
  readonly #rows: Record<Kind, Map<number, object>> = {
    client: new Map(),
    tunnel: new Map(),
    host: new Map(),
  }
  readonly #hashes = new Map<string, TokenRecord>()
  #next = 1
  readonly audit: Kept['audit'] = {
    append: (entry: AuditEntry) =>
      void this.entries.push({ ...entry, seq: this.entries.length + 1, at: Date.now() }),
    list: ({ before = Infinity, limit = 100 }) =>
      this.entries
        .toReversed()
        .filter(({ seq }) => seq < before)
        .slice(0, limit),
  }
  readonly tokens: Tokens = {
    list: () => [...this.#hashes.values()],
    byHash: (hash) => this.#hashes.get(hash),
    add: ({ hash, ...rest }) => {
      const record = { id: this.#next++, createdAt: 1, ...rest }
      this.#hashes.set(hash, record)
      return record
    },
    remove: (id) => {
      const found = [...this.#hashes].find(([, token]) => token.id === id)
      if (found === undefined) throw new Refused('RECORD_UNKNOWN', `there is no token ${id}`)
      this.#hashes.delete(found[0])
    },
  }

  clients(): ClientRecord[] {
    return [...this.#rows.client.values()] as ClientRecord[]
  }

  tunnels(): TunnelRecord[] {
    return [...this.#rows.tunnel.values()] as TunnelRecord[]
  }

  hosts(): HostRecord[] {
    return [...this.#rows.host.values()] as HostRecord[]
  }

  flowOf(kind: Kind, id: number): FlowTotals {
    return this.flows.get(`${kind}:${id}`) ?? { inlet: 0, export: 0 }
  }

  async addClient(input: ClientInput, by: string): Promise<ClientKeys & { client: ClientRecord }> {
    const { login, webLogin, user, vkey = 'made', ...rest } = input
    const client = this.#add('client', by, input, {
      crypt: false,
      compress: false,
      selection: 'primary',
      mayConfigure: false,
      vkeyHash: `hash of ${vkey}`,
      ...(login && { login: { name: login.name, hash: 'a hash' } }),
      ...(webLogin && { webLogin: { name: webLogin.name, hash: 'a hash' } }),
      ...(user && { userId: `id of ${user}` }),
      ...rest,
    })
    return { client, vkey, enroll: 'enrolment' }
  }

  async patchClient(id: number, change: ClientChange, by: string): Promise<ClientRecord> {
    return this.#patch('client', id, change, by)
  }

  removeClient(id: number, by: string): void {
    this.#remove('client', id, by)
  }

  async newKey(id: number, by: string): Promise<ClientKeys> {
    this.#patch('client', id, {}, by)
    return { vkey: 'another', enroll: 'another enrolment' }
  }

  async addTunnel(input: TunnelInput, by: string): Promise<TunnelRecord> {
    const { password, logins, ...rest } = input
    if (this.tunnels().some(({ port }) => port === rest.port))
      throw new Refused('PORT_TAKEN', 'the port is taken')
    return this.#add('tunnel', by, input, {
      balance: 'roundRobin',
      targets: [],
      ...(password && { passwordHash: `hash of ${password}` }),
      ...(logins && { logins: logins.map(({ name }) => ({ name, hash: 'a hash' })) }),
      ...rest,
    })
  }

  async patchTunnel(id: number, change: TunnelChange, by: string): Promise<TunnelRecord> {
    return this.#patch('tunnel', id, change, by)
  }

  removeTunnel(id: number, by: string): void {
    this.#remove('tunnel', id, by)
  }

  async addHost(input: HostInput, by: string): Promise<HostRecord> {
    return this.#add('host', by, input, {
      location: '/',
      scheme: 'all',
      targets: [],
      balance: 'roundRobin',
      headers: [],
      passThrough: false,
      autoHttps: false,
      ...input,
    })
  }

  async patchHost(id: number, change: HostChange, by: string): Promise<HostRecord> {
    return this.#patch('host', id, change, by)
  }

  removeHost(id: number, by: string): void {
    this.#remove('host', id, by)
  }

  resetFlow(kind: Kind, id: number, by: string): void {
    this.#patch(kind, id, {}, by)
    this.flows.delete(`${kind}:${id}`)
  }

  #add(kind: Kind, by: string, input: unknown, row: object): never {
    const id = this.#next++
    this.asked.push([by, input])
    const record = { id, remark: '', enabled: true, limits: {}, createdAt: 1, ...row }
    this.#rows[kind].set(id, record)
    this.audit.append({ by, action: `${kind}.add`, id })
    return record as never
  }

  #patch(kind: Kind, id: number, change: object, by: string): never {
    const row = this.#rows[kind].get(id)
    if (row === undefined) throw new Refused('RECORD_UNKNOWN', `there is no ${kind} ${id}`)
    this.asked.push([by, change])
    const changed = { ...row, ...change }
    this.#rows[kind].set(id, changed)
    this.audit.append({ by, action: `${kind}.patch`, id })
    return changed as never
  }

  #remove(kind: Kind, id: number, by: string): void {
    if (!this.#rows[kind].delete(id)) throw new Refused('RECORD_UNKNOWN', `there is no ${kind} ${id}`)
    this.audit.append({ by, action: `${kind}.remove`, id })
  }
}
