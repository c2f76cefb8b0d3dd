import { open } from 'node:fs/promises'
import type { Database } from 'better-sqlite3'
import { asRecordError } from './record-error.ts'
import type { Transact } from './transact.ts'

/** The two ways to write to a store; within another transaction either is a part of that one. */
export class Transactions {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Waits for the disk: what it wrote survives a power cut. */
  readonly durable: Transact = (write) => {
    try {
      return this.#database.transaction(write).immediate()
    } catch (error) {
      throw asRecordError(error, this.#database.name)
    }
  }

  /** For what is written all the time: a kill loses nothing of it, a power cut what came after the last `sync`. */
  readonly quick: Transact = (write) => {
    // Who is in a transaction of their own waits for the disk at its end.
    if (this.#database.inTransaction) return write()
    this.#database.pragma('synchronous = NORMAL')
    try {
      return this.durable(write)
    } finally {
      this.#database.pragma('synchronous = FULL')
    }
  }

  /** What was written until now survives a power cut once this resolves; nothing waits for the disk meanwhile. */
  async sync(): Promise<void> {
    // SQLite has no locks on this file that would go when it is closed here.
    const log = await open(`${this.#database.name}-wal`, 'r+')
    try {
      await log.datasync()
    } finally {
      await log.close()
    }
  }
}
