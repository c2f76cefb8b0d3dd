import { isDeepStrictEqual } from 'node:util'
import type { SqliteUsers } from './sqlite-users.ts'
import type { SyncResult } from './store.ts'
import { patchProblem, tell } from './user-check.ts'
import { blank, merge, rowOf, userOf, type UserRow } from './user-row.ts'
import { isUserName, type OwnedUser } from './user.ts'

const REFUSED_MAX = 1000
const KEY_SHOWN = 80

/** One run of `UserStore.sync`: all it writes has one revision, and nothing is written that is so already. */
export class OwnerSync {
  readonly #owner: string
  readonly #users: SqliteUsers
  readonly #revise: () => number
  /** By id; removed ones too. */
  readonly #known: ReadonlyMap<string, UserRow>
  #revision: number | undefined
  #changed = 0

  constructor(owner: string, users: SqliteUsers, revise: () => number) {
    this.#owner = owner
    this.#users = users
    this.#revise = revise
    this.#known = new Map(users.rowsOf(owner).map((row) => [row.id, row]))
  }

  run(list: readonly OwnedUser[], now: number): SyncResult {
    const expected = new Set(list.map(({ key }) => this.#idOf(key)))
    // First those who go, so that their names are free.
    for (const row of this.#known.values())
      if (row.removed_at === null && !expected.has(row.id))
        this.#users.write({ ...row, credentials: '[]', removed_at: now }, this.#next())
    const refused: { key: string; problem: string }[] = []
    for (const user of list) {
      const problem = this.#problemOf(user, expected) ?? this.#put(user)
      if (problem !== undefined && refused.length < REFUSED_MAX)
        refused.push({ key: user.key.slice(0, KEY_SHOWN), problem })
    }
    return { changed: this.#changed, refused }
  }

  #problemOf({ key, ...rest }: OwnedUser, expected: Set<string>): string | undefined {
    if (key === '' || !isUserName(this.#nameOf(key)))
      return 'key: wanted 1 or more characters without colon, blank or control character'
    if (!expected.delete(this.#idOf(key))) return 'key: wanted each once'
    const problem = patchProblem(rest)
    return problem && `${problem.key}: ${tell(problem)}`
  }

  /** Adds or changes a user. Gives what stands in the way. */
  #put({ key, ...rest }: OwnedUser): string | undefined {
    const id = this.#idOf(key)
    const old = this.#known.get(id)
    const isHere = old?.removed_at === null
    const name = isHere ? old.name : this.#freeName(this.#nameOf(key))
    if (!isUserName(name)) return 'key: its name is taken, and too long for another'
    const user = merge(blank(id, name, this.#owner), rest)
    if (old === undefined) this.#users.insert(rowOf(user), this.#next())
    else if (!isHere || !isDeepStrictEqual(userOf(old), user)) this.#users.write(rowOf(user), this.#next())
    return undefined
  }

  #freeName(wanted: string): string {
    let name = wanted
    for (let nth = 2; this.#users.isTaken(name); nth += 1) name = `${wanted}~${nth}`
    return name
  }

  #idOf(key: string): string {
    return `${this.#owner}:${key}`
  }

  #nameOf(key: string): string {
    return `${this.#owner}-${key}`
  }

  #next(): number {
    this.#changed += 1
    return (this.#revision ??= this.#revise())
  }
}
