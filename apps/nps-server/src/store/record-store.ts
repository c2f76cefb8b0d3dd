import { join } from 'node:path'
import { openDatabase } from '@sluice/userstore/sqlite'
import type { Database, Statement } from 'better-sqlite3'
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
import { AuditTable } from './audit-table.ts'
import { type FlowEntry, type FlowKind, FlowTable, type PeriodFlow } from './flow-table.ts'
import { PresenceTable } from './presence-table.ts'
import { RecordRules } from './record-rules.ts'
import { migrateRecords } from './record-migrations.ts'
import { clientSchema, hostSchema, tunnelSchema } from './record-schemas.ts'
import { RecordTable } from './record-table.ts'
import { TokenTable } from './token-table.ts'
import { Transactions } from './transactions.ts'

/** Where the records of a data folder are. */
export const recordsFile = (data: string): string => join(data, 'tunnels.db')

export interface RecordStoreOptions {
  /** How long to wait for another program's lock once it is open, ms; whoever waits does nothing else. @default 2000 */
  readonly busyMs?: number
  /** Wall clock. @default Date.now */
  readonly now?: () => number
  /** So many entries of the audit are kept. @default 100,000 */
  readonly auditMax?: number
}

/** What is another since a revision. */
export interface RecordChanges {
  readonly revision: number
  readonly clients: Changed<ClientRecord>
  readonly tunnels: Changed<TunnelRecord>
  readonly hosts: Changed<HostRecord>
  /** Of those that changed, and of those whose flow moved or was reset; some may be there twice. */
  readonly flows: readonly PeriodFlow[]
}

interface Changed<Record> {
  readonly changed: readonly Record[]
  readonly removed: readonly number[]
}

/**
 * Clients, tunnels and hosts, and what has passed them, in one SQLite file that any number of programs may have open. Each
 * call blocks and is one transaction; `transaction` makes one of several. A write takes a revision and marks what it wrote
 * with it, so whoever remembers the last one it saw finds what changed since. Writes throw StoreError STORE_BUSY,
 * STORE_WRITE, STORE_CORRUPT besides what they say.
 */
export class RecordStore {
  readonly tokens: TokenTable
  readonly audit: AuditTable
  readonly presence: PresenceTable
  /** Told after each write to the records by this very store, not of those by other programs. */
  onWrite: () => void = () => {}
  readonly #database: Database
  readonly #transactions: Transactions
  readonly #now: () => number
  readonly #clients: RecordTable<ClientRecord>
  readonly #tunnels: RecordTable<TunnelRecord>
  readonly #hosts: RecordTable<HostRecord>
  readonly #flow: FlowTable
  readonly #rules: RecordRules
  readonly #revision: Statement<[], number>
  readonly #otherWrites: Statement<[], number>
  readonly #meta: Statement<[string], string>
  readonly #setMeta: Statement<[string, string]>

  /** @throws StoreError STORE_OPEN, STORE_BUSY, STORE_CORRUPT, STORE_SCHEMA_NEWER */
  static open(file: string, options: RecordStoreOptions = {}): RecordStore {
    const database = openDatabase(file, 2000, migrateRecords)
    database.pragma(`busy_timeout = ${options.busyMs ?? 2000}`)
    return new RecordStore(database, options)
  }

  private constructor(database: Database, { now = Date.now, auditMax }: RecordStoreOptions) {
    this.#database = database
    this.#transactions = new Transactions(database)
    this.#now = now
    const next = database
      .prepare<[], number>('UPDATE store SET revision = revision + 1 RETURNING revision')
      .pluck()
    const revise = (): number => next.get() ?? 0
    this.#revision = database.prepare<[], number>('SELECT revision FROM store').pluck()
    this.#otherWrites = database.prepare<[], number>('PRAGMA data_version').pluck()
    this.#meta = database.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck()
    this.#setMeta = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
    this.#clients = new RecordTable(database, 'client', clientSchema, revise)
    this.#tunnels = new RecordTable(database, 'tunnel', tunnelSchema, revise)
    this.#hosts = new RecordTable(database, 'host', hostSchema, revise)
    this.#rules = new RecordRules(database)
    this.#flow = new FlowTable(database, revise, (kind, id) => this.#table(kind).find(id)?.limits)
    const { durable } = this.#transactions
    this.tokens = new TokenTable(database, now, durable)
    this.audit = new AuditTable(database, now, durable, auditMax)
    this.presence = new PresenceTable(database, now, this.#transactions)
  }

  clients(): readonly ClientRecord[] {
    return this.#clients.all()
  }

  tunnels(): readonly TunnelRecord[] {
    return this.#tunnels.all()
  }

  hosts(): readonly HostRecord[] {
    return this.#hosts.all()
  }

  /** @throws RecordError RECORD_UNKNOWN */
  client(id: number): ClientRecord {
    return this.#clients.get(id)
  }

  /** @throws RecordError RECORD_UNKNOWN */
  tunnel(id: number): TunnelRecord {
    return this.#tunnels.get(id)
  }

  /** @throws RecordError RECORD_UNKNOWN */
  host(id: number): HostRecord {
    return this.#hosts.get(id)
  }

  /** @param wish the id that it is to have, unless another one has or had it @throws RecordError RECORD_VALUE */
  addClient(input: NewClient, wish?: number): ClientRecord {
    return this.#write(() => this.#clients.insert(this.#clients.checked(input), this.#now(), wish))
  }

  /** @throws RecordError RECORD_UNKNOWN, RECORD_VALUE */
  patchClient(id: number, patch: ClientPatch): ClientRecord {
    return this.#write(() => {
      const client = this.#clients.patched(this.#clients.get(id), patch)
      return this.#clients.write(client)
    })
  }

  /** With its tunnels and hosts; what passed them stays booked. @throws RecordError RECORD_UNKNOWN */
  removeClient(id: number): void {
    this.#write(() => {
      this.#clients.get(id)
      for (const tunnel of this.#rules.tunnelsOf(id)) this.#tunnels.remove(tunnel, this.#now())
      for (const host of this.#rules.hostsOf(id)) this.#hosts.remove(host, this.#now())
      this.#clients.remove(id, this.#now())
    })
  }

  /** @throws RecordError RECORD_UNKNOWN of its client, RECORD_VALUE, PORT_TAKEN, TUNNEL_LIMIT */
  addTunnel(input: NewTunnel, wish?: number): TunnelRecord {
    return this.#write(() => {
      const body = this.#tunnels.checked(input)
      this.#rules.checkRoom(this.#clients.get(body.clientId))
      this.#rules.checkPort(body)
      return this.#tunnels.insert(body, this.#now(), wish)
    })
  }

  /** @throws RecordError RECORD_UNKNOWN, RECORD_VALUE, PORT_TAKEN */
  patchTunnel(id: number, patch: TunnelPatch): TunnelRecord {
    return this.#write(() => {
      const tunnel = this.#tunnels.patched(this.#tunnels.get(id), patch)
      this.#rules.checkPort(tunnel)
      return this.#tunnels.write(tunnel)
    })
  }

  /** @throws RecordError RECORD_UNKNOWN */
  removeTunnel(id: number): void {
    this.#write(() => this.#tunnels.remove(this.#tunnels.get(id).id, this.#now()))
  }

  /** @throws RecordError RECORD_UNKNOWN of its client, RECORD_VALUE, HOST_TAKEN, TUNNEL_LIMIT */
  addHost(input: NewHost, wish?: number): HostRecord {
    return this.#write(() => {
      const body = this.#hosts.checked(input)
      this.#rules.checkRoom(this.#clients.get(body.clientId))
      this.#rules.checkName(body)
      return this.#hosts.insert(body, this.#now(), wish)
    })
  }

  /** @throws RecordError RECORD_UNKNOWN, RECORD_VALUE, HOST_TAKEN */
  patchHost(id: number, patch: HostPatch): HostRecord {
    return this.#write(() => {
      const host = this.#hosts.patched(this.#hosts.get(id), patch)
      this.#rules.checkName(host)
      return this.#hosts.write(host)
    })
  }

  /** @throws RecordError RECORD_UNKNOWN */
  removeHost(id: number): void {
    this.#write(() => this.#hosts.remove(this.#hosts.get(id).id, this.#now()))
  }

  /** What is booked since it was added or reset; `aggregate` of a client: see FlowKind. */
  flowOf(kind: FlowKind, id: number): FlowTotals {
    return this.#flow.whole(kind, id)
  }

  /** What is booked in the present period of its quota. @throws RecordError RECORD_UNKNOWN */
  periodFlowOf(kind: Kind, id: number): PeriodFlow {
    return this.#flow.inPeriod(kind, id, this.#table(kind).get(id).limits, this.#now())
  }

  /** It counts from 0 from now on, its quota too. @throws RecordError RECORD_UNKNOWN */
  resetFlow(kind: Kind, id: number): void {
    this.#write(() => this.#flow.reset(kind, this.#table(kind).get(id).id))
  }

  /**
   * Books all or, where it throws, nothing.
   * @returns what is booked now in the period of each one's quota, and the revision that this write made
   */
  book(entries: readonly FlowEntry[], at: number): { revision: number; totals: PeriodFlow[] } {
    return this.#transactions.quick(() => this.#flow.book(entries, at))
  }

  /** Sums up tunnels and hosts by client; `more` is what else there is of a client. */
  aggregate(more: ReadonlyMap<number, FlowTotals>): void {
    this.#transactions.quick(() => this.#flow.aggregate(more))
  }

  /** Of the last write to records or flows. */
  revision(): number {
    return this.#revision.get() ?? 0
  }

  /** Another number each time that another program has written. */
  otherWrites(): number {
    return this.#otherWrites.get() ?? 0
  }

  /** @param revision 0: everything */
  changesSince(revision: number): RecordChanges {
    return this.#database.transaction(() => {
      const clients = this.#clients.since(revision)
      const tunnels = this.#tunnels.since(revision)
      const hosts = this.#hosts.since(revision)
      const now = this.#now()
      const flows = [
        ...clients.changed.map(({ id, limits }) => this.#flow.inPeriod('client', id, limits, now)),
        ...tunnels.changed.map(({ id, limits }) => this.#flow.inPeriod('tunnel', id, limits, now)),
        ...hosts.changed.map(({ id, limits }) => this.#flow.inPeriod('host', id, limits, now)),
        ...this.#flow.since(revision, now),
      ]
      return { revision: this.revision(), clients, tunnels, hosts, flows }
    })()
  }

  meta(key: string): string | undefined {
    return this.#meta.get(key)
  }

  setMeta(key: string, value: string): void {
    this.transaction(() => this.#setMeta.run(key, value))
  }

  /** All that `write` does, or nothing where it throws; no other program writes meanwhile. */
  transaction<T>(write: () => T): T {
    return this.#transactions.durable(write)
  }

  /** What was booked until now survives a power cut once this resolves; nothing waits for the disk meanwhile. */
  sync(): Promise<void> {
    return this.#transactions.sync()
  }

  close(): void {
    this.#database.close()
  }

  #write<T>(write: () => T): T {
    const result = this.transaction(write)
    this.onWrite()
    return result
  }

  #table(kind: Kind): RecordTable<ClientRecord> | RecordTable<TunnelRecord> | RecordTable<HostRecord> {
    if (kind === 'client') return this.#clients
    return kind === 'tunnel' ? this.#tunnels : this.#hosts
  }
}
