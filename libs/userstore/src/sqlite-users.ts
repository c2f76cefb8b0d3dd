import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Database, Statement } from 'better-sqlite3'
import { StoreError } from './store-error.ts'
import { checkPatch, checkUser } from './user-check.ts'
import type { Credential, Limits, NewUser, User, UserPatch } from './user.ts'

interface Row {
  id: string
  name: string
  enabled: number
  expires_at: number | null
  limits: string
  credentials: string
  groups: string | null
  source: string | null
  removed_at: number | null
}

const COLUMNS = 'id, name, enabled, expires_at, limits, credentials, groups, source, removed_at'

/** The users table. A removed user keeps its row, without credentials, so that other programs learn of the removal. */
export class SqliteUsers {
  readonly #revise: () => number
  readonly #all: Statement<[], Row>
  readonly #byName: Statement<[string], Row>
  readonly #byId: Statement<[string], Row>
  readonly #since: Statement<[number], Row>
  readonly #insert: Statement<[Row & { revision: number }]>
  readonly #update: Statement<[Row & { revision: number }]>

  /** `revise` gives the revision that marks a change, in the change's own transaction. */
  constructor(database: Database, revise: () => number) {
    this.#revise = revise
    const select = `SELECT ${COLUMNS} FROM users WHERE`
    this.#all = database.prepare(`${select} removed_at IS NULL ORDER BY rowid`)
    this.#byName = database.prepare(`${select} name = ? AND removed_at IS NULL`)
    this.#byId = database.prepare(`${select} id = ?`)
    this.#since = database.prepare(`${select} revision > ? ORDER BY rowid`)
    this.#insert = database.prepare(
      `INSERT INTO users (${COLUMNS}, revision)
       VALUES (@id, @name, @enabled, @expires_at, @limits, @credentials, @groups, @source, @removed_at, @revision)`,
    )
    this.#update = database.prepare(
      `UPDATE users SET enabled = @enabled, expires_at = @expires_at, limits = @limits, credentials = @credentials,
       groups = @groups, source = @source, removed_at = @removed_at, revision = @revision WHERE id = @id`,
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

  /** Also a user that was removed. */
  withId(id: string): { user: User; removed: boolean } | undefined {
    const row = this.#byId.get(id)
    return row && { user: userOf(row), removed: row.removed_at !== null }
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
    if (this.#byName.get(input.name) !== undefined)
      throw new StoreError('USER_EXISTS', `a user is named ${JSON.stringify(input.name)} already`)
    const user = merge(
      { id: randomUUID(), name: input.name, enabled: true, limits: {}, credentials: [] },
      input,
    )
    this.#insert.run(this.#rowOf(user))
    return user
  }

  update(name: string, patch: UserPatch): User {
    const old = this.named(name)
    checkPatch(patch)
    const user = merge(old, patch)
    this.#update.run(this.#rowOf(user))
    return user
  }

  remove(name: string, now: number): void {
    const user = { ...this.named(name), credentials: [] }
    this.#update.run({ ...this.#rowOf(user), removed_at: now })
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

  #replaceOne(old: User, input: NewUser): void {
    const user = merge({ id: old.id, name: old.name, enabled: true, limits: {}, credentials: [] }, input)
    if (!isDeepStrictEqual(user, old)) this.#update.run(this.#rowOf(user))
  }

  #rowOf(user: User): Row & { revision: number } {
    return {
      id: user.id,
      name: user.name,
      enabled: user.enabled ? 1 : 0,
      expires_at: user.expiresAt ?? null,
      limits: JSON.stringify(user.limits),
      credentials: JSON.stringify(user.credentials),
      groups: user.groups === undefined ? null : JSON.stringify(user.groups),
      source: user.source ?? null,
      removed_at: null,
      revision: this.#revise(),
    }
  }
}

function merge(user: User, patch: NewUser | UserPatch): User {
  const expiresAt = patch.expiresAt === undefined ? user.expiresAt : patch.expiresAt
  const groups = (patch.groups === undefined ? user.groups : patch.groups) ?? []
  const source = patch.source === undefined ? user.source : patch.source
  return {
    id: user.id,
    name: user.name,
    enabled: patch.enabled ?? user.enabled,
    ...(typeof expiresAt === 'number' && { expiresAt }),
    limits: mergeLimits(user.limits, patch.limits ?? {}),
    credentials: [...(patch.credentials ?? user.credentials)],
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(typeof source === 'string' && { source }),
  }
}

function mergeLimits(limits: Limits, patch: NonNullable<UserPatch['limits']>): Limits {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  const merged = Object.entries({ ...limits, ...Object.fromEntries(given) })
  return Object.fromEntries(merged.filter(([, value]) => value !== null))
}

function userOf(row: Row): User {
  const limits: Limits = JSON.parse(row.limits)
  const credentials: Credential[] = JSON.parse(row.credentials)
  const groups: string[] = JSON.parse(row.groups ?? '[]')
  const { id, name, source, expires_at: expiresAt } = row
  return {
    id,
    name,
    enabled: row.enabled === 1,
    ...(expiresAt !== null && { expiresAt }),
    limits,
    credentials,
    ...(groups.length > 0 && { groups }),
    ...(source !== null && { source }),
  }
}
