import type { Database, Statement } from 'better-sqlite3'
import { OwnerSync } from './owner-sync.ts'
import type { SqliteUsers } from './sqlite-users.ts'
import { StoreError } from './store-error.ts'
import type { SyncResult, Unreported } from './store.ts'
import { checkOwner, show } from './user-check.ts'
import type { OwnedUser } from './user.ts'

export const SYNC_MAX_USERS = 100_000

type Report = readonly Omit<Unreported, 'key'>[]

/** Users that belong to an owner, such as a panel, and what of their usage was reported to it. */
export class SqliteOwners {
  readonly #users: SqliteUsers
  readonly #revise: () => number
  readonly #unreported: Statement<[owner: string], Omit<Unreported, 'key'>>
  readonly #report: Statement<[up: number, down: number, userId: string, owner: string]>

  constructor(database: Database, users: SqliteUsers, revise: () => number) {
    this.#users = users
    this.#revise = revise
    this.#unreported = database.prepare(
      `SELECT users.id AS userId, max(usage.up - coalesce(reported.up, 0), 0) AS up,
         max(usage.down - coalesce(reported.down, 0), 0) AS down
       FROM users JOIN usage ON usage.user_id = users.id AND usage.period = 'all'
         LEFT JOIN reported ON reported.user_id = users.id
       WHERE users.owner = ? AND (usage.up > coalesce(reported.up, 0) OR usage.down > coalesce(reported.down, 0))
       ORDER BY users.rowid`,
    )
    this.#report = database.prepare(
      `INSERT INTO reported SELECT id, ?, ? FROM users WHERE id = ? AND owner = ?
       ON CONFLICT (user_id) DO UPDATE SET up = up + excluded.up, down = down + excluded.down`,
    )
  }

  /** In the caller's transaction. */
  sync(owner: string, users: readonly OwnedUser[], now: number): SyncResult {
    checkOwner(owner)
    if (users.length > SYNC_MAX_USERS)
      throw new StoreError('USER_VALUE', `users: wanted at most ${SYNC_MAX_USERS}, got ${users.length}`)
    return new OwnerSync(owner, this.#users, this.#revise).run(users, now)
  }

  unreported(owner: string): Unreported[] {
    return this.#unreported
      .all(owner)
      .map(({ userId, up, down }) => ({ userId, key: userId.slice(owner.length + 1), up, down }))
  }

  /** In the caller's transaction. */
  report(owner: string, entries: Report): void {
    for (const { userId, up, down } of entries) {
      if (!isCount(up) || !isCount(down))
        throw new StoreError('BATCH_VALUE', `report: wanted whole bytes, got ${up} up and ${down} down`)
      if (this.#report.run(up, down, userId, owner).changes === 1) continue
      throw new StoreError('BATCH_VALUE', `report: ${show(userId)} is no user of ${owner}`)
    }
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
