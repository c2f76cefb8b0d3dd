import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Database, Statement } from 'better-sqlite3'
import { StoreError } from './store-error.ts'
import { checkPatch, checkUser } from './user-check.ts'
import { blank, merge, rowOf, USER_COLUMNS, userOf, type UserRow } from './user-row.ts'
import type { NewUser, User, UserPatch } from './user.ts'

type Written = UserRow & { revision: number }

/** The users table. A removed user keeps its row, without credentials, so that other programs learn of the removal. */
export class SqliteUsers {
  readonly #revise: () => number
  readonly #all: Statement<[], UserRow>
  readonly #byName: Statement<[string], UserRow>
  readonly #byId: Statement<[string], UserRow>
  readonly #byOwner: Statement<[string], UserRow>
  readonly #since: Statement<[number], UserRow>
  readonly #insert: Statement<[Written]>
  readonly #update: Statement<[Written]>

  /** `revise` gives the revision that marks a change, in the change's own transaction. */
  constructor(database: Database, revise: () => number) {
    this.#revise = revise
    const select = `SELECT ${USER_COLUMNS} FROM users WHERE`
    this.#all = database.prepare(`${select} removed_at IS NULL ORDER BY rowid`)
    this.#byName = database.prepare(`${select} name = ? AND removed_at IS NULL`)
    this.#byId = database.prepare(`${select} id = ?`)
    this.#byOwner = database.prepare(`${select} owner = ?`)
    this.#since = database.prepare(`${select} revision > ? ORDER BY rowid`)
    this.#insert = database.prepare(
      `INSERT INTO users (${USER_COLUMNS}, revision)
       VALUES (@id, @name, @owner, @enabled, @expires_at, @limits, @credentials, @groups, @source, @removed_at, @revision)`,
    )
    this.#update = database.prepare(
      `UPDATE users SET name = @name, enabled = @enabled, expires_at = @expires_at, limits = @limits,
       credentials = @credentials, groups = @groups, source = @source, removed_at = @removed_at, revision = @revision
       WHERE id = @id`,
    )
  }

  all(): User[] {
    return this.#all.all().map(userOf)
  }

  /** Throws USER_UNKNOWN. */
  named(name: string): User {
    const row = this.#byName.get(name)
    if (row === undefined) throw new StoreError('USER_UNKNOWN', `no user is named ${JSON.stringify(name)}`)
    return userOf(row)
  }

  isTaken(name: string): boolean {
    return this.#byName.get(name) !== undefined
  }

  /** Also a user that was removed. */
  withId(id: string): { user: User; removed: boolean } | undefined {
    const row = this.#byId.get(id)
    return row && { user: userOf(row), removed: row.removed_at !== null }
  }

  /** Also users that were removed. */
  rowsOf(owner: string): UserRow[] {
    return this.#byOwner.all(owner)
  }

  /** Who was added, changed or removed after a revision. */
  since(revision: number): { users: User[]; removed: string[] } {
    const rows = this.#since.all(revision)
    return {
      users: rows.filter((row) => row.removed_at === null).map(userOf),
      removed: rows.filter((row) => row.removed_at !== null).map((row) => row.id),
    }
  }

  add(input: NewUser): User {
    checkUser(input)
    if (this.isTaken(input.name))
      throw new StoreError('USER_EXISTS', `a user is named ${JSON.stringify(input.name)} already`)
    const user = merge(blank(randomUUID(), input.name), input)
    this.insert(rowOf(user), this.#revise())
    return user
  }

  update(name: string, patch: UserPatch): User {
    const old = this.#free(name)
    checkPatch(patch)
    const user = merge(old, patch)
    this.write(rowOf(user), this.#revise())
    return user
  }

  remove(name: string, now: number): void {
    this.write(rowOf({ ...this.#free(name), credentials: [] }, now), this.#revise())
  }

  /** Makes the users those of a list: adds, changes and removes what differs, and touches nothing else. */
  replace(list: readonly NewUser[], now: number): void {
    const gone = new Map(this.all().map((user) => [user.name, user]))
    for (const input of list) {
      const old = gone.get(input.name)
      gone.delete(input.name)
      if (old === undefined) this.add(input)
      else this.#replaceOne(old, input)
    }
    for (const name of gone.keys()) this.remove(name, now)
  }

  insert(row: UserRow, revision: number): void {
    this.#insert.run({ ...row, revision })
  }

  /** Over the row of the same id. */
  write(row: UserRow, revision: number): void {
    this.#update.run({ ...row, revision })
  }

  #replaceOne(old: User, input: NewUser): void {
    const user = merge(blank(old.id, old.name), input)
    if (!isDeepStrictEqual(user, old)) this.write(rowOf(user), this.#revise())
  }

  /** A user who is nobody's but ours. Throws USER_UNKNOWN, USER_OWNED. */
  #free(name: string): User {
    const user = this.named(name)
    if (user.owner === undefined) return user
    throw new StoreError('USER_OWNED', `${JSON.stringify(name)} belongs to ${user.owner}: change it there`)
  }
}
