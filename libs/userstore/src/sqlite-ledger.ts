import type { Database, Statement } from 'better-sqlite3'
import { dayAt, periodAt, periodOn, TIME_MAX } from './period.ts'
import type { SqliteUsers } from './sqlite-users.ts'
import { StoreError } from './store-error.ts'
import type { HistoryRange, UsageBatch, Used } from './store.ts'
import type { User } from './user.ts'

const NODE_MAX = 255
const ENTRIES_MAX = 100_000

interface Bytes {
  up: number
  down: number
}

/**
 * The usage and nodes tables. Each user has a row for its whole life ('all') and one for each local day with traffic
 * ('day:2026-11-21'). A month is the sum of its days, so it is right at once after its anchor day was changed.
 */
export class SqliteLedger {
  readonly #users: SqliteUsers
  readonly #revise: () => number
  readonly #mark: Statement<[string, number, number]>
  readonly #book: Statement<[userId: string, period: string, up: number, down: number, revision: number]>
  readonly #whole: Statement<[string], Bytes>
  readonly #days: Statement<[userId: string, begin: string, end: string], Bytes>
  readonly #eachDay: Statement<[userId: string, begin: string, end: string], Bytes & { day: string }>
  readonly #since: Statement<[number], string>

  constructor(database: Database, users: SqliteUsers, revise: () => number) {
    this.#users = users
    this.#revise = revise
    this.#mark = database.prepare(
      `INSERT INTO nodes VALUES (?, ?, ?)
       ON CONFLICT (node) DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > seq`,
    )
    this.#book = database.prepare(
      `INSERT INTO usage VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user_id, period)
       DO UPDATE SET up = up + excluded.up, down = down + excluded.down, revision = excluded.revision`,
    )
    this.#whole = database.prepare("SELECT up, down FROM usage WHERE user_id = ? AND period = 'all'")
    this.#days = database.prepare(
      `SELECT coalesce(sum(up), 0) AS up, coalesce(sum(down), 0) AS down FROM usage
       WHERE user_id = ? AND period >= 'day:' || ? AND period < 'day:' || ?`,
    )
    // `~` sorts behind every day.
    this.#eachDay = database.prepare(
      `SELECT substr(period, 5) AS day, up, down FROM usage
       WHERE user_id = ? AND period >= 'day:' || ? AND period <= 'day:' || ? ORDER BY period`,
    )
    this.#since = database
      .prepare<[number], string>("SELECT user_id FROM usage WHERE period = 'all' AND revision > ?")
      .pluck()
  }

  /** Books a batch unless it was booked before, in the caller's transaction. Gives its existing users' totals. */
  account(batch: UsageBatch, now: number): Used[] {
    checkBatch(batch)
    const fresh = this.#mark.run(batch.node, batch.seq, batch.at).changes === 1
    if (fresh && batch.entries.length > 0) this.#bookAll(batch)
    return this.usedOf(new Set(batch.entries.map((entry) => entry.userId)), now)
  }

  used(user: User, now: number): Used {
    const { name, begin, end } = periodAt(user.limits, now)
    const bytes = name === 'all' ? this.#whole.get(user.id) : this.#days.get(user.id, begin, end)
    return { userId: user.id, up: bytes?.up ?? 0, down: bytes?.down ?? 0, period: name }
  }

  /** The user's days in a range, or their quota periods, oldest first. */
  history(user: User, { from = '', to = '~', by }: HistoryRange): Used[] {
    const found = new Map<string, Used>()
    for (const { day, up, down } of this.#eachDay.iterate(user.id, from, to)) {
      const period = by === 'day' ? `day:${day}` : periodOn(user.limits, day).name
      const sum = found.get(period) ?? { userId: user.id, up: 0, down: 0, period }
      found.set(period, { ...sum, up: sum.up + up, down: sum.down + down })
    }
    return [...found.values()]
  }

  /** Of those that exist. */
  usedOf(userIds: Iterable<string>, now: number): Used[] {
    const used: Used[] = []
    for (const id of userIds) {
      const known = this.#users.withId(id)
      if (known !== undefined && !known.removed) used.push(this.used(known.user, now))
    }
    return used
  }

  /** Ids of users whose usage moved after a revision. */
  since(revision: number): string[] {
    return this.#since.all(revision)
  }

  #bookAll(batch: UsageBatch): void {
    const revision = this.#revise()
    for (const { userId, up, down } of batch.entries) {
      const zone = this.#users.withId(userId)?.user.limits.quotaZone
      this.#book.run(userId, 'all', up, down, revision)
      this.#book.run(userId, `day:${dayAt(zone, batch.at)}`, up, down, revision)
    }
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

/** Throws BATCH_VALUE: half a batch, or a fraction of a byte, must not come into the ledger. */
function checkBatch({ node, seq, at, entries }: UsageBatch): void {
  if (node.length === 0 || node.length > NODE_MAX) throw bad(`node: wanted 1 to ${NODE_MAX} characters`)
  if (!isCount(seq)) throw bad(`seq: wanted a whole number, got ${seq}`)
  if (!isCount(at) || at > TIME_MAX) throw bad(`at: wanted whole ms since 1970, got ${at}`)
  if (entries.length > ENTRIES_MAX) throw bad(`entries: wanted at most ${ENTRIES_MAX}, got ${entries.length}`)
  for (const { userId, up, down } of entries)
    if (userId.length > NODE_MAX || !isCount(up) || !isCount(down))
      throw bad(`entries: wanted whole bytes, got ${up} up and ${down} down for ${userId.slice(0, 80)}`)
}

const bad = (message: string): StoreError => new StoreError('BATCH_VALUE', message)
