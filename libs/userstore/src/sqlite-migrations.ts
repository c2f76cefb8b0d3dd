import { randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import { StoreError } from './store-error.ts'

// Step n takes version n to n + 1. Never change one that was released: add another, and only add to the tables, since
// programs that run on the version before keep running.
const STEPS: readonly string[] = [
  `
  CREATE TABLE store (only INTEGER PRIMARY KEY CHECK (only = 1), install_id TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
  CREATE TABLE users (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, enabled INTEGER NOT NULL, expires_at INTEGER,
    limits TEXT NOT NULL, credentials TEXT NOT NULL, revision INTEGER NOT NULL, removed_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX users_by_name ON users (name) WHERE removed_at IS NULL;
  CREATE INDEX users_by_revision ON users (revision);
  CREATE TABLE usage (
    user_id TEXT NOT NULL, period TEXT NOT NULL, up INTEGER NOT NULL, down INTEGER NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (user_id, period)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_by_revision ON usage (revision) WHERE period = 'all';
  CREATE TABLE nodes (node TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE users ADD COLUMN groups TEXT;
  ALTER TABLE users ADD COLUMN source TEXT;
  `,
  `
  ALTER TABLE users ADD COLUMN owner TEXT;
  CREATE INDEX users_by_owner ON users (owner) WHERE owner IS NOT NULL;
  CREATE TABLE reported (user_id TEXT PRIMARY KEY, up INTEGER NOT NULL, down INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
]

/** The version that this program writes. */
export const SCHEMA_VERSION: number = STEPS.length

/**
 * Brings the schema up to date. Any number of programs may do so at once: one of them finds it old.
 * @throws StoreError STORE_SCHEMA_NEWER, STORE_CORRUPT for another program's database
 */
export function migrate(database: Database): void {
  database.transaction(() => upgrade(database)).immediate()
}

function upgrade(database: Database): void {
  if (climb(database, STEPS) === 0) database.prepare('INSERT INTO store VALUES (1, ?, 0)').run(randomUUID())
}

/**
 * Takes the steps that the database has not taken yet, step n from version n to n + 1, in the caller's transaction.
 * @returns the version that it had, 0 where it is new
 * @throws StoreError STORE_SCHEMA_NEWER, STORE_CORRUPT for another program's database
 */
export function climb(database: Database, steps: readonly string[]): number {
  const version = schemaVersion(database)
  if (version === steps.length) return version
  if (version > steps.length)
    throw new StoreError(
      'STORE_SCHEMA_NEWER',
      `${database.name} has schema ${version}, this program knows ${steps.length}: use a newer program`,
    )
  for (const step of steps.slice(version)) database.exec(step)
  database.prepare('UPDATE schema SET version = ?').run(steps.length)
  return version
}

function schemaVersion(database: Database): number {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
  if (tables.length === 0) {
    database.exec('CREATE TABLE schema (version INTEGER NOT NULL) STRICT; INSERT INTO schema VALUES (0)')
    return 0
  }
  if (!tables.includes('schema'))
    throw new StoreError('STORE_CORRUPT', `${database.name} is a database of another program`)
  return Number(database.prepare('SELECT version FROM schema').pluck().get())
}
