import type { Database, Statement } from 'better-sqlite3'
import type { Agent } from '../agent.ts'
import type { Transactions } from './transactions.ts'

/** A connected program of a client, as others than its server see it. */
export type Presence = Pick<Agent, 'clientId' | 'kind' | 'remote' | 'since' | 'version' | 'rttMs' | 'streams'>

/** What a server that runs knows and no record says. */
export interface ServerState {
  readonly agents: readonly Presence[]
  /** By the id of a tunnel: why it is not open to visitors. */
  readonly problems: Readonly<Record<number, string>>
  /** By the id of a host: what keeps it from its certificate. */
  readonly hostProblems: Readonly<Record<number, string>>
}

/** A server writes its state this often at least. */
export const PRESENCE_EVERY_MS = 2000
/** A server that was silent for so long is gone. */
const PRESENCE_STALE_MS = 10_000

/** Who is connected now: each server has one row, and whoever reads leaves out those of servers that are gone. */
export class PresenceTable {
  readonly #now: () => number
  readonly #transactions: Transactions
  readonly #put: Statement<[string, number, string]>
  readonly #drop: Statement<[string, number]>
  readonly #fresh: Statement<[number], { state: string }>

  constructor(database: Database, now: () => number, transactions: Transactions) {
    this.#now = now
    this.#transactions = transactions
    this.#put = database.prepare('INSERT OR REPLACE INTO servers VALUES (?, ?, ?)')
    this.#drop = database.prepare('DELETE FROM servers WHERE node = ? OR at < ?')
    this.#fresh = database.prepare('SELECT state FROM servers WHERE at >= ? ORDER BY node')
  }

  put(node: string, state: ServerState): void {
    this.#transactions.quick(() => this.#put.run(node, this.#now(), JSON.stringify(state)))
  }

  /** The server stops; those that crashed are forgotten, too. */
  drop(node: string): void {
    this.#transactions.durable(() => this.#drop.run(node, this.#now() - PRESENCE_STALE_MS))
  }

  /** Of all servers. */
  read(): ServerState {
    const states = this.#fresh
      .all(this.#now() - PRESENCE_STALE_MS)
      .map(({ state }): ServerState => JSON.parse(state))
    return {
      agents: states.flatMap(({ agents }) => agents),
      problems: Object.assign({}, ...states.map(({ problems }) => problems)),
      hostProblems: Object.assign({}, ...states.map(({ hostProblems }) => hostProblems)),
    }
  }
}
