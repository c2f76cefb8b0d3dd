import type { Database, Statement } from 'better-sqlite3'
import { RecordError, show } from './record-error.ts'
import type { Transact } from './transact.ts'

export const TOKEN_SCOPES = ['read', 'write'] as const
export type TokenScope = (typeof TOKEN_SCOPES)[number]

/** A token of the API. The token itself is nowhere. */
export interface TokenRecord {
  readonly id: number
  readonly name: string
  readonly scopes: readonly TokenScope[]
  /** Wall clock, ms since 1970. */
  readonly createdAt: number
  /** Wall clock, ms since 1970. Absent: never. */
  readonly expiresAt?: number
}

export type NewToken = Omit<TokenRecord, 'id' | 'createdAt'> & {
  /** Hex SHA-256 of the token. */
  readonly hash: string
}

interface Row {
  id: number
  name: string
  scopes: string
  created_at: number
  expires_at: number | null
}

const COLUMNS = 'id, name, scopes, created_at, expires_at'

export class TokenTable {
  readonly #now: () => number
  readonly #transact: Transact
  readonly #all: Statement<[], Row>
  readonly #one: Statement<[string, number], Row>
  readonly #insert: Statement<[string, string, string, number, number | null], Row>
  readonly #delete: Statement<[number]>

  constructor(database: Database, now: () => number, transact: Transact) {
    this.#now = now
    this.#transact = transact
    this.#all = database.prepare(`SELECT ${COLUMNS} FROM tokens ORDER BY id`)
    this.#one = database.prepare(
      `SELECT ${COLUMNS} FROM tokens WHERE hash = ? AND (expires_at IS NULL OR expires_at > ?)`,
    )
    this.#insert = database.prepare(
      `INSERT INTO tokens (name, hash, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?) RETURNING ${COLUMNS}`,
    )
    this.#delete = database.prepare('DELETE FROM tokens WHERE id = ?')
  }

  list(): TokenRecord[] {
    return this.#all.all().map(tokenOf)
  }

  /** Whose SHA-256 (hex) it is; undefined: nobody's, or it has expired. */
  byHash(hash: string): TokenRecord | undefined {
    const row = this.#one.get(hash, this.#now())
    return row && tokenOf(row)
  }

  add({ name, hash, scopes, expiresAt }: NewToken): TokenRecord {
    const insert = (): Row | undefined =>
      this.#insert.get(name, hash, scopes.join(','), this.#now(), expiresAt ?? null)
    return tokenOf(this.#transact(insert)!)
  }

  /** @throws RecordError RECORD_UNKNOWN */
  remove(id: number): void {
    if (this.#transact(() => this.#delete.run(id).changes) === 1) return
    throw new RecordError('RECORD_UNKNOWN', `there is no token ${show(id)}`)
  }
}

const tokenOf = ({ id, name, scopes, created_at: createdAt, expires_at: expiresAt }: Row): TokenRecord => ({
  id,
  name,
  scopes: TOKEN_SCOPES.filter((scope) => scopes.split(',').includes(scope)),
  createdAt,
  ...(expiresAt !== null && { expiresAt }),
})
