import { readFileSync, statSync } from 'node:fs'
import { fileStamp, replaceFile } from './atomic-file.ts'
import { formatUsers, parseUsers } from './json-users.ts'
import { hashPasswordSync } from './password.ts'
import { SqliteDatabase } from './sqlite-database.ts'
import type { CoreOptions, StoreCore } from './store-core.ts'
import { asStoreError, StoreError } from './store-error.ts'
import type { HistoryRange, StoreChange, SyncResult, Unreported, Usage, UsageBatch, Used } from './store.ts'
import type { NewUser, User, UserPatch } from './user.ts'

export const USERS_FILE_MAX_BYTES: number = 16 * 1024 * 1024

/**
 * The JSON store: a users file for people to edit, and beside it `FILE.usage.db`, a SQLite store with the usage and a
 * copy of the users. Whatever reads or writes the users file holds the lock of that database, which no crash leaves
 * behind; the file has the say, and the copy is what the file said when it was last right.
 */
export class JsonDatabase implements StoreCore {
  readonly installId: string
  readonly #file: string
  readonly #database: SqliteDatabase
  #stamp: string | undefined = 'not read yet'
  /** For the next poll to tell, and the one before, so that a lasting one is told once. */
  #mistake: StoreError | undefined
  #lastMistake: string | undefined

  constructor(file: string, options: CoreOptions) {
    this.#file = file
    this.#database = new SqliteDatabase(`${file}.usage.db`, options)
    this.installId = this.#database.installId
    try {
      this.#follow(options.now)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  list(now: number): { users: User[]; used: Used[] } {
    this.#followQuietly(now)
    return this.#database.list(now)
  }

  account(batch: UsageBatch, now: number): Used[] {
    return this.#database.account(batch, now)
  }

  usage(name: string | undefined, now: number): Usage[] {
    this.#followQuietly(now)
    return this.#database.usage(name, now)
  }

  history(name: string, range: HistoryRange, now: number): Usage[] {
    this.#followQuietly(now)
    return this.#database.history(name, range)
  }

  add(user: NewUser, now: number): User {
    return this.#write(now, () => this.#database.add(user))
  }

  update(name: string, patch: UserPatch, now: number): User {
    return this.#write(now, () => this.#database.update(name, patch))
  }

  remove(name: string, now: number): void {
    this.#write(now, () => this.#database.remove(name, now))
  }

  sync(owner: string): SyncResult {
    return this.#refuse(owner)
  }

  unreported(owner: string): { entries: Unreported[] } {
    return this.#refuse(owner)
  }

  report(owner: string): void {
    this.#refuse(owner)
  }

  /** Throws STORE_FORMAT once for each broken edit of the file. */
  poll(now: number): StoreChange | undefined {
    this.#followQuietly(now)
    const mistake = this.#mistake
    this.#mistake = undefined
    if (mistake !== undefined) throw mistake
    return this.#database.poll(now)
  }

  close(): void {
    this.#database.close()
  }

  // Whoever edits the file would have to know which users come from elsewhere, and leave them alone.
  #refuse(owner: string): never {
    throw new StoreError(
      'STORE_OWNERS',
      `${this.#file}: a users file cannot hold the users of ${JSON.stringify(owner)}: keep them in sqlite:PATH`,
    )
  }

  #followQuietly(now: number): void {
    try {
      this.#follow(now)
      this.#lastMistake = undefined
    } catch (error) {
      const mistake = asStoreError(error, this.#file)
      if (mistake.message !== this.#lastMistake) this.#mistake = mistake
      this.#lastMistake = mistake.message
    }
  }

  #follow(now: number): void {
    const stamp = fileStamp(this.#file)
    if (stamp === this.#stamp) return
    try {
      this.#database.locked(() => this.#read(now))
      this.#stamp = stamp
    } catch (error) {
      // The same mistake need not be read again; a busy lock or a failing disk must be tried again.
      if (error instanceof StoreError && error.code === 'STORE_FORMAT') this.#stamp = stamp
      throw error
    }
  }

  #write<T>(now: number, change: () => T): T {
    return this.#database.locked(() => {
      this.#read(now)
      const result = change()
      this.#save()
      return result
    })
  }

  #read(now: number): void {
    let inClear = false
    const users = parseUsers(this.#text(), this.#file, (password) => {
      inClear = true
      return hashPasswordSync(password)
    })
    this.#database.replace(users, now)
    if (inClear) this.#save()
  }

  #save(): void {
    replaceFile(this.#file, formatUsers(this.#database.users()))
  }

  #text(): string {
    const stat = statSync(this.#file, { throwIfNoEntry: false })
    if (stat === undefined) return this.#textOfNone()
    if (stat.size <= USERS_FILE_MAX_BYTES) return readFileSync(this.#file, 'utf8')
    throw new StoreError(
      'STORE_FORMAT',
      `${this.#file}: wanted at most ${USERS_FILE_MAX_BYTES} bytes, got ${stat.size}`,
    )
  }

  // No file yet is no users yet; a file that went away is more likely a mistake than the wish to remove everyone.
  #textOfNone(): string {
    if (this.#database.users().length === 0) return '{"users":[]}'
    throw new StoreError('STORE_FORMAT', `${this.#file}: the file is gone; its users stay until it is back`)
  }
}
