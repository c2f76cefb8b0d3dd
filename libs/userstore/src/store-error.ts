/**
 * What can go wrong in this library.
 * - USER_EXISTS, USER_UNKNOWN: the name is taken, is nobody's
 * - USER_OWNED: only the user's owner, such as a panel, may change or remove it
 * - USER_NAME, USER_VALUE: a name, limit or credential that cannot be (the message says which, and what was wanted)
 * - BATCH_VALUE: a usage batch that cannot be
 * - PASSWORD_VALUE: a password that is empty or too long
 * - AUTH_BUSY: too many password checks wait already
 * - STORE_URL: not `sqlite:PATH` or `json:PATH`
 * - STORE_OWNERS: this kind of store keeps no users of owners
 * - STORE_OPEN: the file or its folder cannot be opened, or made
 * - STORE_SCHEMA_NEWER: written by a newer program; this one must not touch it
 * - STORE_BUSY: another program held the lock too long; trying again is safe
 * - STORE_CORRUPT: the file is damaged, or not ours
 * - STORE_FORMAT: the users file has a mistake (the message says file, key and what was wanted)
 * - SEED_FORMAT: the file to import from is not a SQLite database, or lacks the table or a column
 * - STORE_WRITE: disk full, read-only, or failing
 * - STORE_CLOSED: used after close()
 * - STORE_FAILED: the store's thread died, or something nobody thought of; see `cause`
 */
export const STORE_ERROR_CODES = [
  'USER_EXISTS',
  'USER_UNKNOWN',
  'USER_OWNED',
  'USER_NAME',
  'USER_VALUE',
  'BATCH_VALUE',
  'PASSWORD_VALUE',
  'AUTH_BUSY',
  'STORE_URL',
  'STORE_OWNERS',
  'STORE_OPEN',
  'STORE_SCHEMA_NEWER',
  'STORE_BUSY',
  'STORE_CORRUPT',
  'STORE_FORMAT',
  'SEED_FORMAT',
  'STORE_WRITE',
  'STORE_CLOSED',
  'STORE_FAILED',
] as const

export type StoreErrorCode = (typeof STORE_ERROR_CODES)[number]

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

// By SQLite's result code or errno; the first that fits.
const BY_CODE: readonly [pattern: RegExp, code: StoreErrorCode][] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'STORE_BUSY'],
  [/^SQLITE_(CORRUPT|NOTADB)/, 'STORE_CORRUPT'],
  [/^SQLITE_(CANTOPEN|PERM|AUTH)/, 'STORE_OPEN'],
  [/^SQLITE_(READONLY|FULL|IOERR)/, 'STORE_WRITE'],
  [/^(EACCES|EPERM|ENOENT|ENOTDIR|EISDIR|ELOOP|EMFILE|ENFILE)$/, 'STORE_OPEN'],
  [/^E[A-Z]+$/, 'STORE_WRITE'],
]

/** Any error as a StoreError that names the file; a StoreError stays itself. */
export function asStoreError(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error
  const raw = error instanceof Error && 'code' in error ? String(error.code) : ''
  const code = BY_CODE.find(([pattern]) => pattern.test(raw))?.[1] ?? 'STORE_FAILED'
  const text = error instanceof Error ? error.message : String(error)
  return new StoreError(code, `${file}: ${text}`, { cause: error })
}
