import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { type RawSeedRow, SEED_TEXT_MAX_BYTES, type SeedRow, seedRow } from './seed-row.ts'
import { asStoreError, StoreError } from './store-error.ts'

const PAGE_ROWS = 256
const COLUMNS = ['USERNAME', 'PASSWORD', 'BANDWIDTH']
const HEADER_BYTES = 20
const MAGIC = 'SQLite format 3\0'
const WAL = 2
const IN_MEMORY_MAX_BYTES = 64 * 1024 * 1024
/** In whatever encoding the file has. */
const OCTETS_MAX = 2 * SEED_TEXT_MAX_BYTES
const SMALLEST_ROWID = -(2n ** 63n)

/**
 * The users of a seed database: a SQLite file whose table USER has USERNAME, PASSWORD and BANDWIDTH, in any spelling of
 * their case. The file is only read, a few rows at a time and never held in between, so the program that it belongs to
 * may run meanwhile.
 * @throws StoreError STORE_OPEN, STORE_BUSY, STORE_CORRUPT, or SEED_FORMAT where it is no such database
 */
export async function* readSeed(file: string): AsyncGenerator<SeedRow, undefined> {
  // Only whoever imports loads it: a program's own store lives in its worker thread.
  const { default: Sqlite } = await import('better-sqlite3')
  const open = (): Database => new Sqlite(sourceOf(file), { readonly: true })
  let after = SMALLEST_ROWID
  for (;;) {
    const page = readPage(file, open, after)
    for (const raw of page) yield seedRow(raw)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE_ROWS) return undefined
    after = last.row
  }
}

function readPage(file: string, open: () => Database, after: bigint): RawSeedRow[] {
  let database: Database | undefined
  try {
    database = open()
    database.pragma('trusted_schema = OFF')
    checkTable(file, database)
    return database.prepare<[bigint, number], RawSeedRow>(SELECT).safeIntegers(true).all(after, PAGE_ROWS)
  } catch (error) {
    throw asStoreError(error, file)
  } finally {
    database?.close()
  }
}

/** What is too long stays in the file; a blob stands for it, which no column may hold. */
const short = (column: string): string =>
  `CASE WHEN octet_length([${column}]) > ${OCTETS_MAX} THEN x'' ELSE [${column}] END`

const SELECT = `SELECT _rowid_ AS row, ${short('USERNAME')} AS name, ${short('PASSWORD')} AS password,
  ${short('BANDWIDTH')} AS bandwidth FROM [USER] WHERE _rowid_ > ? ORDER BY _rowid_ LIMIT ?`

function checkTable(file: string, database: Database): void {
  const tables = `SELECT name FROM pragma_table_list('USER') WHERE schema = 'main' AND type = 'table' AND wr = 0`
  if (database.prepare(tables).get() === undefined) {
    throw new StoreError('SEED_FORMAT', `${file}: wanted a table USER with ${COLUMNS.join(', ')}`)
  }
  const columns = database
    .prepare<[], string>("SELECT upper(name) FROM pragma_table_xinfo('USER')")
    .pluck()
    .all()
  const missing = COLUMNS.filter((column) => !columns.includes(column))
  if (missing.length > 0) {
    throw new StoreError('SEED_FORMAT', `${file}: the table USER has no column ${missing.join(', ')}`)
  }
}

/**
 * What to open. SQLite would make `-wal` and `-shm` beside a file in WAL mode that nobody has open, or fail where it
 * cannot, so such a file is read as it is; its header, in a copy, then no longer says WAL (bytes 18 and 19, as
 * sqlite3_deserialize wants it). For the next rows the question is asked again.
 */
function sourceOf(file: string): string | Buffer {
  const header = headerOf(file)
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new StoreError('SEED_FORMAT', `${file}: not a SQLite database`)
  }
  if (header[18] !== WAL || existsSync(`${file}-wal`) || statSync(file).size > IN_MEMORY_MAX_BYTES)
    return file
  return readFileSync(file).fill(1, 18, 20)
}

function headerOf(file: string): Buffer {
  // To open a pipe would wait for somebody to write into it.
  if (!statSync(file).isFile()) throw new StoreError('STORE_OPEN', `${file}: not a file`)
  const descriptor = openSync(file, 'r')
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    readSync(descriptor, header, 0, HEADER_BYTES, 0)
    return header
  } finally {
    closeSync(descriptor)
  }
}
