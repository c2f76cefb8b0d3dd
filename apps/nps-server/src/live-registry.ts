import { type Clock, systemClock, type Timer } from '@sluice/ratelimit'
import { Account, type Directory, type Log, Seldom } from '@sluice/service'
import { Rollovers, type User } from '@sluice/userstore'
import type { Agent } from './agent.ts'
import { BookingRounds } from './booking-rounds.ts'
import { type AnyLevel, isLent, LevelLedger } from './level-ledger.ts'
import { Lending } from './lending.ts'
import { LiveRecords } from './live-records.ts'
import { type FlowTotals, type HostRecord, type Kind, KINDS, type TunnelRecord } from './records.ts'
import { PresenceWriter } from './presence-writer.ts'
import type { LiveClient, LiveHost, LiveTunnel, Registry } from './registry.ts'
import { BusySpell } from './store/busy-spell.ts'
import { DiskSync } from './store/disk-sync.ts'
import type { PeriodFlow } from './store/flow-table.ts'
import type { RecordChanges, RecordStore } from './store/record-store.ts'

export interface LiveRegistryOptions {
  readonly store: RecordStore
  readonly directory: Pick<Directory, 'byId' | 'guest'>
  readonly log: Pick<Log, 'error' | 'info' | 'warn'>
  /** @default the system's */
  readonly clock?: Clock
  /** Wall clock. @default Date.now */
  readonly now?: () => number
}

/** Twice in the second that a crash may cost. */
const TICK_MS = 500
const AGGREGATE_MS = 60_000
const RETRY_MS = 250
const LAST_WORDS_MS = 5000

/** For clients whose user is gone: nobody comes in as them. */
const GONE: User = { id: 'gone', name: '', enabled: false, limits: {}, credentials: [] }

/** Follows the store, counts and books what passes, and knows who is connected. */
export class LiveRegistry implements Registry {
  readonly #options: LiveRegistryOptions
  readonly #clock: Clock
  readonly #now: () => number
  readonly #ledger: LevelLedger
  readonly #rounds: BookingRounds
  readonly #records: LiveRecords
  readonly #lending: Lending
  readonly #presence: PresenceWriter
  readonly #disk: DiskSync
  readonly #gone: Account
  readonly #followers = new Set<() => void>()
  readonly #seldom = new Seldom(60_000)
  readonly #busy = new BusySpell(() => performance.now())
  #rollovers: Rollovers
  #timer: Timer | undefined = undefined
  /** Up to here the changes of the store are known. */
  #told = 0
  #otherWritesTold = -1
  #wrote = true
  #aggregatedAt: number

  constructor(options: LiveRegistryOptions) {
    const { store, log, clock = systemClock, now = Date.now } = options
    this.#options = options
    this.#clock = clock
    this.#now = now
    this.#ledger = new LevelLedger({ store, log, now })
    this.#rounds = new BookingRounds({ clock, book: () => this.#bookNext() })
    this.#records = new LiveRecords({ now, onGone: (level) => this.#left(level) })
    this.#lending = new Lending(this.#records, () => this.#tell())
    this.#presence = new PresenceWriter({ store, live: this.#records })
    this.#gone = new Account(GONE, this.#records.shaper, {}, () => {})
    this.#gone.removed = true
    this.#rollovers = new Rollovers(now())
    this.#aggregatedAt = now()
    this.#disk = new DiskSync({ store, now: now(), onError: (error) => this.#failed(error) })
  }

  get clients(): ReadonlyMap<number, LiveClient> {
    return this.#records.clients
  }

  get tunnels(): ReadonlyMap<number, LiveTunnel> {
    return this.#records.tunnels
  }

  get hosts(): ReadonlyMap<number, LiveHost> {
    return this.#records.hosts
  }

  byVkeyHash(hash: string): LiveClient | undefined {
    return this.#records.vkeys.get(hash)
  }

  byPublicKey(key: string): LiveClient | undefined {
    return this.#records.publicKeys.get(key)
  }

  byPasswordHash(hash: string): LiveTunnel | undefined {
    return this.#records.passwords.get(hash)
  }

  /** A client whose user is gone is nobody's from then on, and not the guest's: who comes to it is told USER_REMOVED. */
  ownerOf({ record: { userId } }: LiveClient): Account {
    const { directory } = this.#options
    return userId === undefined ? directory.guest : (directory.byId(userId) ?? this.#gone)
  }

  /**
   * Gives them ids below 0 in place of their own. What passes them counts for their client.
   * @throws RecordError TUNNEL_LIMIT, PORT_TAKEN, HOST_TAKEN, RECORD_VALUE for a password that is taken; then none of
   * them is there
   */
  lend(
    client: LiveClient,
    records: { tunnels: readonly TunnelRecord[]; hosts: readonly HostRecord[] },
  ): Disposable {
    return this.#lending.lend(client, records)
  }

  joined(client: LiveClient, agent: Agent): void {
    if (this.clients.get(client.record.id) !== client) return agent.close('the client was removed')
    client.agents.add(agent)
    this.#presence.changed()
  }

  left(client: LiveClient, agent: Agent): boolean {
    this.#presence.changed()
    return client.agents.remove(agent)
  }

  watch(onChange: () => void): Disposable {
    this.#followers.add(onChange)
    return { [Symbol.dispose]: () => void this.#followers.delete(onChange) }
  }

  /** What passed since it was added or reset, to the byte. */
  flowOf(kind: Kind, id: number): FlowTotals {
    const level = this.#records.find(kind, id)
    const booked = level && isLent(level) ? lentFlow(level) : this.#options.store.flowOf(kind, id)
    const { inlet, export: out } = level && !isLent(level) ? this.#ledger.unbooked(level) : NOTHING
    return { inlet: booked.inlet + inlet, export: booked.export + out }
  }

  /** Reads the store and follows it from then on. @throws StoreError */
  start(): void {
    const { store } = this.#options
    store.onWrite = () => {
      if (!this.#wrote) queueMicrotask(() => this.#try(() => this.follow()))
      this.#wrote = true
    }
    this.follow()
    this.#arm()
  }

  /** Takes over now what was written into the store. @throws StoreError */
  follow(): void {
    const { store } = this.#options
    // First the mark, then the changes: a write between the two is looked for again, not missed.
    const otherWrites = store.otherWrites()
    if (!this.#wrote && otherWrites === this.#otherWritesTold) return
    const changes = store.changesSince(this.#told)
    this.#wrote = false
    this.#otherWritesTold = otherWrites
    this.#told = changes.revision
    this.#apply(changes)
  }

  /** Books all, trying again for some seconds. */
  async stop(deadlineMs: number = LAST_WORDS_MS): Promise<void> {
    this.#timer?.cancel()
    this.#rounds.stop()
    this.#ledger.startOver()
    const endsAt = this.#clock.now() + deadlineMs
    for (let booked = this.#book(); booked !== 'none'; booked = this.#book()) {
      if (booked !== undefined) continue
      if (this.#clock.now() >= endsAt) {
        this.#ledger.lost(this.#records.levels())
        break
      }
      await new Promise<void>((resolve) => this.#clock.after(RETRY_MS, resolve))
    }
    this.#options.store.onWrite = () => {}
    await this.#disk.end()
    this.#try(() => this.#presence.drop())
    this.#records.shaper.close()
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      this.#arm()
      this.#tick()
    })
  }

  #tick(): void {
    this.#try(() => this.follow())
    const now = this.#now()
    for (const { record, account } of this.#records.levels())
      if (record.expiresAt !== undefined && account.sessions > 0) account.enforce(now)
    this.#roll(now)
    if (now - this.#aggregatedAt >= AGGREGATE_MS) this.#try(() => this.aggregate())
    this.#try(() => this.#presence.write(now))
    this.#rounds.begin()
  }

  /** Keeps, beside each client's own count, the sum of those of its tunnels and hosts. @throws StoreError */
  aggregate(): void {
    this.#aggregatedAt = this.#now()
    this.#options.store.aggregate(this.#lending.flows())
  }

  #bookNext(): boolean {
    this.#try(() => this.follow())
    this.#book()
    if (this.#ledger.isUnderWay) return true
    // Nothing is written for a while: who writes to a file that is being synced may have to wait.
    this.#disk.tick(this.#now())
    return false
  }

  #book(): number | 'none' | undefined {
    const revision = this.#ledger.flush(this.#records.levels())
    // Where nobody else wrote since, there is nothing in the store but what it has just answered.
    if (revision === this.#told + 1) this.#told = revision
    return revision
  }

  #roll(now: number): void {
    for (const name of this.#rollovers.due(now)) {
      const [kind, id] = name.split(':')
      const level = this.#records.find(KINDS.find((each) => each === kind) ?? 'client', Number(id))
      if (level === undefined) continue
      this.#try(() => use(level, this.#options.store.periodFlowOf(level.kind, level.record.id)))
    }
  }

  #apply({ clients, tunnels, hosts, flows }: RecordChanges): void {
    const flowsOf = new Map(flows.map((flow) => [`${flow.kind}:${flow.id}`, flow]))
    const now = this.#now()
    const settle = (level: AnyLevel, update: () => void): void => {
      const { id } = level.account.user
      change(level, flowsOf.get(id), update)
      this.#rollovers.set(level.account.user, now)
      flowsOf.delete(id)
    }
    for (const record of clients.changed) this.#records.putClient(record, settle)
    for (const record of tunnels.changed) this.#records.putTunnel(record, settle)
    for (const record of hosts.changed) this.#records.putHost(record, settle)
    for (const id of hosts.removed) this.#records.dropHost(id)
    for (const id of tunnels.removed) this.#records.dropTunnel(id)
    for (const id of clients.removed) this.#records.dropClient(id)
    for (const flow of flowsOf.values()) {
      const level = this.#records.find(flow.kind, flow.id)
      if (level !== undefined) use(level, flow)
    }
    const lists = [clients, tunnels, hosts]
    if (lists.some(({ changed, removed }) => changed.length + removed.length > 0)) this.#tell()
  }

  #left(level: AnyLevel): void {
    this.#rollovers.delete(level.account.user.id)
    this.#ledger.leave(level)
  }

  #tell(): void {
    for (const tell of this.#followers) tell()
  }

  /** While the store cannot be read or written all stays as it was. */
  #try(act: () => void): void {
    try {
      act()
      this.#busy.over()
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(err: unknown): void {
    if (this.#busy.isTrouble(err) && this.#seldom.due('records.unreadable'))
      this.#options.log.error({ err }, 'records.unreadable')
  }
}

const NOTHING: FlowTotals = { inlet: 0, export: 0 }

const lentFlow = ({ account }: AnyLevel): FlowTotals => {
  const { up, down } = account.flow.read()
  return { inlet: up, export: down }
}

const use = ({ account }: AnyLevel, { inlet, export: down, period }: PeriodFlow): void =>
  account.setUsed({ userId: account.user.id, up: inlet, down, period })

/** In the order in which nobody is cut for a usage that belongs to other limits than those that hold. */
function change(level: AnyLevel, flow: PeriodFlow | undefined, update: () => void): void {
  const isLess = flow !== undefined && flow.inlet + flow.export < level.account.used
  if (isLess) use(level, flow)
  update()
  if (flow !== undefined && !isLess) use(level, flow)
}
