import type { Database, Statement } from 'better-sqlite3'
import { Rollovers } from './rollover.ts'
import { SqliteLedger } from './sqlite-ledger.ts'
import { openDatabase } from './sqlite-open.ts'
import { SqliteOwners } from './sqlite-owners.ts'
import { SqliteUsers } from './sqlite-users.ts'
import type { CoreOptions, StoreCore } from './store-core.ts'
import type { HistoryRange, StoreChange, SyncResult, Unreported, Usage, UsageBatch, Used } from './store.ts'
import type { NewUser, OwnedUser, User, UserPatch } from './user.ts'

/**
 * The SQLite store, one file. Each write takes a revision in its own transaction and marks what it wrote with it, so
 * a reader that remembers the last revision it saw finds what changed since by an index, whoever wrote it.
 */
export class SqliteDatabase implements StoreCore {
  readonly installId: string
  readonly #database: Database
  readonly #users: SqliteUsers
  readonly #ledger: SqliteLedger
  readonly #owners: SqliteOwners
  readonly #revision: Statement<[], number>
  readonly #otherWrites: Statement<[], number>
  #rollovers: Rollovers | undefined
  /** Up to here polls have told all. */
  #told: number
  #otherWritesTold: number
  #wrote = false

  constructor(file: string, options: CoreOptions) {
    const database = (this.#database = openDatabase(file, options.busyMs))
    const next = database
      .prepare<[], number>('UPDATE store SET revision = revision + 1 RETURNING revision')
      .pluck()
    const revise = (): number => next.get() ?? 0
    this.#revision = database.prepare<[], number>('SELECT revision FROM store').pluck()
    this.#otherWrites = database.prepare<[], number>('PRAGMA data_version').pluck()
    this.#users = new SqliteUsers(database, revise)
    this.#ledger = new SqliteLedger(database, this.#users, revise)
    this.#owners = new SqliteOwners(database, this.#users, revise)
    this.installId = String(database.prepare('SELECT install_id FROM store').pluck().get())
    // First the version, then the revision: a write between the two is looked for again, not missed.
    this.#otherWritesTold = this.#otherWrites.get() ?? 0
    this.#told = this.#revision.get() ?? 0
  }

  list(now: number): { users: User[]; used: Used[] } {
    return this.#database.transaction(() => {
      const users = this.#users.all()
      this.#rollovers ??= rolloversOf(users, now)
      return { users, used: users.map((user) => this.#ledger.used(user, now)) }
    })()
  }

  account(batch: UsageBatch, now: number): Used[] {
    return this.locked(() => this.#ledger.account(batch, now))
  }

  usage(name: string | undefined, now: number): Usage[] {
    return this.#database.transaction(() => {
      const users = name === undefined ? this.#users.all() : [this.#users.named(name)]
      return users.map((user) => usageOf(user.name, this.#ledger.used(user, now)))
    })()
  }

  history(name: string, range: HistoryRange): Usage[] {
    return this.#database.transaction(() => {
      const days = this.#ledger.history(this.#users.named(name), range)
      return days.map((used) => usageOf(name, used))
    })()
  }

  add(user: NewUser): User {
    return this.locked(() => this.#users.add(user))
  }

  update(name: string, patch: UserPatch): User {
    return this.locked(() => this.#users.update(name, patch))
  }

  remove(name: string, now: number): void {
    this.locked(() => this.#users.remove(name, now))
  }

  sync(owner: string, users: readonly OwnedUser[], now: number): SyncResult {
    return this.locked(() => this.#owners.sync(owner, users, now))
  }

  unreported(owner: string): { entries: Unreported[] } {
    return { entries: this.#owners.unreported(owner) }
  }

  report(owner: string, entries: readonly Omit<Unreported, 'key'>[]): void {
    this.locked(() => this.#owners.report(owner, entries))
  }

  users(): User[] {
    return this.#users.all()
  }

  /** Makes the users those of a list; see SqliteUsers. */
  replace(users: readonly NewUser[], now: number): void {
    this.locked(() => this.#users.replace(users, now))
  }

  /** Runs `write` in a transaction, or in the one that runs already; no other program writes meanwhile. */
  locked<T>(write: () => T): T {
    const result = this.#database.transaction(write).immediate()
    this.#wrote = true
    return result
  }

  poll(now: number): StoreChange | undefined {
    this.#rollovers ??= rolloversOf(this.#users.all(), now)
    const otherWrites = this.#otherWrites.get() ?? 0
    const change =
      this.#wrote || otherWrites !== this.#otherWritesTold
        ? this.#readChange(now)
        : { users: [], removed: [], used: [] }
    this.#otherWritesTold = otherWrites
    this.#wrote = false
    const rolled = this.#rollovers.due(now)
    if (rolled.length > 0) change.used.push(...this.#ledger.usedOf(rolled, now))
    return change.users.length + change.removed.length + change.used.length > 0 ? change : undefined
  }

  close(): void {
    this.#database.close()
  }

  #readChange(now: number): { users: User[]; removed: string[]; used: Used[] } {
    return this.#database.transaction(() => {
      const { users, removed } = this.#users.since(this.#told)
      const moved = new Set([...users.map((user) => user.id), ...this.#ledger.since(this.#told)])
      const used = this.#ledger.usedOf(moved, now)
      this.#told = this.#revision.get() ?? 0
      for (const user of users) this.#rollovers?.set(user, now)
      for (const id of removed) this.#rollovers?.delete(id)
      return { users, removed, used }
    })()
  }
}

function rolloversOf(users: readonly User[], now: number): Rollovers {
  const rollovers = new Rollovers(now)
  for (const user of users) rollovers.set(user, now)
  return rollovers
}

const usageOf = (name: string, { period, up, down }: Used): Usage => ({
  name,
  period,
  up,
  down,
  total: up + down,
})
