import { climb } from '@sluice/userstore/sqlite'
import type { Database } from 'better-sqlite3'

// Step n takes version n to n + 1. Never change one that was released: add another, and only add to the tables, since
// programs that run on the version before keep running.
const STEPS: readonly string[] = [
  `
  CREATE TABLE store (only INTEGER PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL) STRICT;
  INSERT INTO store VALUES (1, 0);
  CREATE TABLE clients (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, revision INTEGER NOT NULL, removed_at INTEGER) STRICT;
  CREATE TABLE tunnels (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, revision INTEGER NOT NULL, removed_at INTEGER) STRICT;
  CREATE TABLE hosts (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, revision INTEGER NOT NULL, removed_at INTEGER) STRICT;
  CREATE INDEX clients_by_revision ON clients (revision);
  CREATE INDEX tunnels_by_revision ON tunnels (revision);
  CREATE INDEX hosts_by_revision ON hosts (revision);
  CREATE UNIQUE INDEX clients_by_vkey ON clients (body ->> 'vkeyHash') WHERE removed_at IS NULL;
  CREATE UNIQUE INDEX clients_by_key ON clients (body ->> 'publicKey') WHERE removed_at IS NULL;
  CREATE UNIQUE INDEX tunnels_by_password ON tunnels (body ->> 'passwordHash') WHERE removed_at IS NULL;
  CREATE INDEX tunnels_by_client ON tunnels (body ->> 'clientId') WHERE removed_at IS NULL;
  CREATE INDEX tunnels_by_port ON tunnels (body ->> 'port') WHERE removed_at IS NULL;
  CREATE INDEX hosts_by_client ON hosts (body ->> 'clientId') WHERE removed_at IS NULL;
  CREATE INDEX hosts_by_name ON hosts (body ->> 'host') WHERE removed_at IS NULL;
  CREATE TABLE flow (
    kind TEXT NOT NULL, id INTEGER NOT NULL, period TEXT NOT NULL,
    inlet INTEGER NOT NULL, export INTEGER NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (kind, id, period)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX flow_by_revision ON flow (revision) WHERE period = 'all';
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER
  ) STRICT;
  CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL) STRICT;
  CREATE TABLE servers (node TEXT PRIMARY KEY, at INTEGER NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE tokens ADD COLUMN totp BLOB;
  ALTER TABLE tokens ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
  `,
]

/** The version that this program writes. */
export const RECORDS_SCHEMA_VERSION: number = STEPS.length

/** Brings the schema up to date. @throws StoreError STORE_SCHEMA_NEWER, STORE_CORRUPT for another program's database */
export const migrateRecords = (database: Database): void => {
  database.transaction(() => climb(database, STEPS)).immediate()
}
