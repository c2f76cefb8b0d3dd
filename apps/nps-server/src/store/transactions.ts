import type { Database } from 'better-sqlite3'
import { asRecordError } from './record-error.ts'
import type { Transact } from './transact.ts'

/** The two ways to write to a store. Within another transaction either is a part of that one. */
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

  /** For what is written all the time: a kill loses nothing of it, a power cut what the disk did not have yet. */
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
}
