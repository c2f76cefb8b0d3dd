import type { Database, Statement } from 'better-sqlite3'
import type { z } from 'zod'
import type { FlowLimits, Kind } from '../records.ts'
import { RecordError, show } from './record-error.ts'
import type { Body } from './record-schemas.ts'

interface Row {
  id: number
  body: string
}

/** Anything that a record's table keeps. */
export interface Kept {
  readonly id: number
  readonly createdAt: number
  readonly limits: FlowLimits
}

export const TABLES = { client: 'clients', tunnel: 'tunnels', host: 'hosts' } as const

/**
 * The table of one kind of records: a row each, the record as JSON. A removed one keeps its row, empty, so that other
 * programs learn of it and its id is never used again. Writes are to be made in the caller's transaction.
 */
export class RecordTable<Record extends Kept> {
  readonly #kind: Kind
  readonly #schema: z.ZodType<Body<Record>>
  readonly #revise: () => number
  readonly #all: Statement<[], Row>
  readonly #one: Statement<[number], Row>
  readonly #since: Statement<[number], Row & { removed_at: number | null }>
  readonly #insert: Statement<[id: number | null, body: string, revision: number]>
  readonly #used: Statement<[number]>
  readonly #update: Statement<[body: string, revision: number, id: number]>
  readonly #remove: Statement<[removedAt: number, revision: number, id: number]>

  constructor(database: Database, kind: Kind, schema: z.ZodType<Body<Record>>, revise: () => number) {
    this.#kind = kind
    this.#schema = schema
    this.#revise = revise
    const table = TABLES[kind]
    this.#all = database.prepare(`SELECT id, body FROM ${table} WHERE removed_at IS NULL ORDER BY id`)
    this.#one = database.prepare(`SELECT id, body FROM ${table} WHERE id = ? AND removed_at IS NULL`)
    this.#since = database.prepare(`SELECT id, body, removed_at FROM ${table} WHERE revision > ? ORDER BY id`)
    this.#insert = database.prepare(`INSERT INTO ${table} (id, body, revision) VALUES (?, ?, ?)`)
    this.#used = database.prepare(`SELECT 1 FROM ${table} WHERE id = ?`)
    this.#update = database.prepare(`UPDATE ${table} SET body = ?, revision = ? WHERE id = ?`)
    this.#remove = database.prepare(
      `UPDATE ${table} SET body = '{}', removed_at = ?, revision = ? WHERE id = ?`,
    )
  }

  all(): Record[] {
    return this.#all.all().map(recordOf) as Record[]
  }

  find(id: number): Record | undefined {
    const row = this.#one.get(id)
    return row && (recordOf(row) as Record)
  }

  /** @throws RecordError RECORD_UNKNOWN */
  get(id: number): Record {
    const record = this.find(id)
    if (record !== undefined) return record
    throw new RecordError('RECORD_UNKNOWN', `there is no ${this.#kind} ${show(id)}`)
  }

  /** What was added, changed or removed after a revision. */
  since(revision: number): { changed: Record[]; removed: number[] } {
    const rows = this.#since.all(revision)
    return {
      changed: rows.filter((row) => row.removed_at === null).map(recordOf) as Record[],
      removed: rows.filter((row) => row.removed_at !== null).map((row) => row.id),
    }
  }

  /** What a new one would be. @throws RecordError RECORD_VALUE */
  checked(input: unknown): Body<Record> {
    const result = this.#schema.safeParse(input)
    if (result.success) return result.data
    throw new RecordError('RECORD_VALUE', `${this.#kind}: ${problems(result.error)}`)
  }

  /** The record after a change: null clears a key, limits change key by key. @throws RecordError RECORD_VALUE */
  patched({ id, createdAt, ...old }: Record, patch: { limits?: object; [key: string]: unknown }): Record {
    const { limits = {}, ...rest } = patch
    const merged = { ...merge(old, rest), limits: merge(old.limits, limits) }
    return { ...this.checked(merged), id, createdAt } as Record
  }

  /** @param wish the id that it is to have, unless another one has or had it */
  insert(body: Body<Record>, createdAt: number, wish?: number): Record {
    const id = wish === undefined || this.#used.get(wish) !== undefined ? null : wish
    const { lastInsertRowid } = this.#insert.run(id, JSON.stringify({ ...body, createdAt }), this.#revise())
    return this.get(Number(lastInsertRowid))
  }

  write({ id, ...body }: Record): Record {
    this.#update.run(JSON.stringify(body), this.#revise(), id)
    return this.get(id)
  }

  remove(id: number, at: number): void {
    this.#remove.run(at, this.#revise(), id)
  }
}

const recordOf = ({ id, body }: Row): object => ({ id, ...JSON.parse(body) })

function merge(old: object, patch: object): Record<string, unknown> {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  const merged = Object.entries({ ...old, ...Object.fromEntries(given) })
  return Object.fromEntries(merged.filter(([, value]) => value !== null))
}

function problems({ issues }: z.core.$ZodError): string {
  const told = issues.map(({ path, message }) => `${path.map(String).join('.') || 'value'}: ${message}`)
  return told.slice(0, 8).join('; ').slice(0, 1000)
}
