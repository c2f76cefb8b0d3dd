import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { migrate as migrateUsers } from './sqlite-migrations.ts'
import { asStoreError, StoreError } from './store-error.ts'

/**
 * Opens a store's file, makes it and its folder where there is none (readable by its owner only: it holds secrets), and
 * brings its schema up to date by `migrate`, that of the users unless told. Blocks, at most some `busyMs` for other programs.
 * @throws StoreError STORE_OPEN, STORE_BUSY, STORE_CORRUPT, STORE_SCHEMA_NEWER
 */
export function openDatabase(
  file: string,
  busyMs: number,
  migrate: (database: Database.Database) => void = migrateUsers,
): Database.Database {
  makeFile(file)
  let database: Database.Database | undefined
  try {
    database = new Database(file, { timeout: busyMs })
    useWal(database, busyMs)
    // In WAL mode FULL is what makes a commit survive a power cut: one fsync each.
    database.pragma('synchronous = FULL')
    migrate(database)
    return database
  } catch (error) {
    database?.close()
    throw asStoreError(error, file)
  }
}

function makeFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw new StoreError('STORE_OPEN', `${file} cannot be opened`, { cause: error })
  }
}

const RETRY_MS = 10
const clockHand = new Int32Array(new SharedArrayBuffer(4))

// Going over to WAL needs the file alone and, unlike all else, does not wait for it.
function useWal(database: Database.Database, busyMs: number): void {
  for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
    try {
      database.pragma('journal_mode = WAL')
      return
    } catch (error) {
      if (waitedMs >= busyMs || asStoreError(error, '').code !== 'STORE_BUSY') throw error
      Atomics.wait(clockHand, 0, 0, RETRY_MS)
    }
  }
}
