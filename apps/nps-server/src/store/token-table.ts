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
  /** Who shows it has to bring a code (RFC 6238), too. */
  readonly totp?: true
}

export type NewToken = Omit<TokenRecord, 'id' | 'createdAt' | 'totp'> & {
  /** Hex SHA-256 of the token. */
  readonly hash: string
  /** Of which its codes are made. It is kept as it is, since they have to be made of it here, too. */
  readonly totp?: Uint8Array
}

interface Row {
  id: number
  name: string
  scopes: string
  created_at: number
  expires_at: number | null
  has_totp: 0 | 1
}

const COLUMNS = 'id, name, scopes, created_at, expires_at, totp IS NOT NULL AS has_totp'

export class TokenTable {
  readonly #now: () => number
  readonly #transact: Transact
  readonly #all: Statement<[], Row>
  readonly #one: Statement<[string, number], Row>
  readonly #byId: Statement<[number, number], Row>
  readonly #totp: Statement<[number], Uint8Array | null>
  readonly #useStep: Statement<[number, number, number]>
  readonly #insert: Statement<[string, string, string, number, number | null, Uint8Array | null], Row>
  readonly #delete: Statement<[number]>

  constructor(database: Database, now: () => number, transact: Transact) {
    this.#now = now
    this.#transact = transact
    this.#all = database.prepare(`SELECT ${COLUMNS} FROM tokens ORDER BY id`)
    const valid = '(expires_at IS NULL OR expires_at > ?)'
    this.#one = database.prepare(`SELECT ${COLUMNS} FROM tokens WHERE hash = ? AND ${valid}`)
    this.#byId = database.prepare(`SELECT ${COLUMNS} FROM tokens WHERE id = ? AND ${valid}`)
    this.#totp = database.prepare<[number], Uint8Array | null>('SELECT totp FROM tokens WHERE id = ?').pluck()
    this.#useStep = database.prepare('UPDATE tokens SET totp_step = ? WHERE id = ? AND totp_step < ?')
    this.#insert = database.prepare(
      `INSERT INTO tokens (name, hash, scopes, created_at, expires_at, totp) VALUES (?, ?, ?, ?, ?, ?) RETURNING ${COLUMNS}`,
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

  /** Undefined: there is none of this id, or it has expired. */
  byId(id: number): TokenRecord | undefined {
    const row = this.#byId.get(id, this.#now())
    return row && tokenOf(row)
  }

  /** Undefined: it has no codes, or is not there. */
  totpSecret(id: number): Uint8Array | undefined {
    return this.#totp.get(id) ?? undefined
  }

  /** Each step is good once, and none before it any more. @returns whether it was */
  useTotpStep(id: number, step: number): boolean {
    return this.#transact(() => this.#useStep.run(step, id, step).changes) === 1
  }

  add({ name, hash, scopes, expiresAt, totp }: NewToken): TokenRecord {
    const insert = (): Row | undefined =>
      this.#insert.get(name, hash, scopes.join(','), this.#now(), expiresAt ?? null, totp ?? null)
    return tokenOf(this.#transact(insert)!)
  }

  /** @throws RecordError RECORD_UNKNOWN */
  remove(id: number): void {
    if (this.#transact(() => this.#delete.run(id).changes) === 1) return
    throw new RecordError('RECORD_UNKNOWN', `there is no token ${show(id)}`)
  }
}

const tokenOf = ({
  id,
  name,
  scopes,
  created_at: createdAt,
  expires_at: expiresAt,
  has_totp: hasTotp,
}: Row): TokenRecord => ({
  id,
  name,
  scopes: TOKEN_SCOPES.filter((scope) => scopes.split(',').includes(scope)),
  createdAt,
  ...(expiresAt !== null && { expiresAt }),
  ...(hasTotp === 1 && { totp: true }),
})
