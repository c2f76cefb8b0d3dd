import type { Database, Statement } from 'better-sqlite3'
import type { Transact } from './transact.ts'

/** Who did what. Nothing in it is a secret. */
export interface AuditEntry {
  /** Such as `cli`, `token:ci` or `web:admin`. */
  readonly by: string
  /** Such as `client.add` or `login.failed`. */
  readonly action: string
  /** What it was done to, where that has an id. */
  readonly id?: number
  /** What was there, and what is there now; of a change only the keys that differ. */
  readonly before?: unknown
  readonly after?: unknown
}

export interface AuditRecord extends AuditEntry {
  /** In the order in which they came. */
  readonly seq: number
  /** Wall clock, ms since 1970. */
  readonly at: number
}

/** Older ones are dropped. */
const AUDIT_MAX = 100_000
const ENTRY_MAX_CHARS = 64 * 1024

interface Row {
  id: number
  at: number
  entry: string
}

export class AuditTable {
  readonly #now: () => number
  readonly #transact: Transact
  readonly #max: number
  readonly #insert: Statement<[number, string]>
  readonly #drop: Statement<[number]>
  readonly #list: Statement<[before: number, limit: number], Row>

  constructor(database: Database, now: () => number, transact: Transact, max: number = AUDIT_MAX) {
    this.#now = now
    this.#transact = transact
    this.#max = max
    this.#insert = database.prepare('INSERT INTO audit (at, entry) VALUES (?, ?)')
    this.#drop = database.prepare('DELETE FROM audit WHERE id <= ?')
    this.#list = database.prepare('SELECT id, at, entry FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?')
  }

  /** In the caller's transaction, or in its own. */
  append(entry: AuditEntry): void {
    const { before: _, after: __, ...head } = entry
    const text = JSON.stringify(entry)
    const kept = text.length <= ENTRY_MAX_CHARS ? text : JSON.stringify(head)
    this.#transact(() => {
      const { lastInsertRowid } = this.#insert.run(this.#now(), kept)
      this.#drop.run(Number(lastInsertRowid) - this.#max)
    })
  }

  /** The newest first. @param before of those older than this one @param limit most */
  list({
    before = Number.MAX_SAFE_INTEGER,
    limit = 100,
  }: { before?: number; limit?: number } = {}): AuditRecord[] {
    return this.#list.all(before, limit).map(({ id, at, entry }) => ({ seq: id, at, ...JSON.parse(entry) }))
  }
}
