import { dayAt, periodAt } from '@sluice/userstore'
import type { Database, Statement } from 'better-sqlite3'
import type { FlowLimits, FlowTotals, Kind } from '../records.ts'

/** What passed a client, a tunnel or a host and is to be booked: whole bytes. */
export interface FlowEntry extends FlowTotals {
  readonly kind: Kind
  readonly id: number
  /** Those that hold for it, where the caller knows them: reading them again costs more than all the rest. */
  readonly limits?: FlowLimits
}

/** What is booked of one in the period of its quota. */
export interface PeriodFlow extends Omit<FlowEntry, 'limits'> {
  /** `all`, or `day:`, `week:`, `month:` and the day that it began on. */
  readonly period: string
}

/** The sum of tunnels and hosts as last made, kept beside a client's own count. */
export type FlowKind = Kind | 'aggregate'

const NOTHING: FlowTotals = { inlet: 0, export: 0 }

/**
 * The flow table: a row for each whole life ('all'), and one for each local day with traffic ('day:2026-11-21'). A month
 * is the sum of its days, so it is right at once after its anchor day was changed. Rows of removed ones stay.
 */
export class FlowTable {
  readonly #revise: () => number
  readonly #limitsOf: (kind: Kind, id: number) => FlowLimits | undefined
  readonly #book: Statement<[string, number, string, number, number, number], FlowTotals>
  readonly #whole: Statement<[string, number], FlowTotals>
  readonly #days: Statement<[string, number, string, string], FlowTotals>
  readonly #since: Statement<[number], { kind: Kind; id: number }>
  readonly #clear: Statement<[string, number]>
  readonly #zero: Statement<[string, number, number]>
  readonly #sumTunnels: Statement<[]>
  readonly #addHosts: Statement<[]>

  constructor(
    database: Database,
    revise: () => number,
    limitsOf: (kind: Kind, id: number) => FlowLimits | undefined,
  ) {
    this.#revise = revise
    this.#limitsOf = limitsOf
    this.#book = database.prepare(
      `INSERT INTO flow VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id, period) DO UPDATE
       SET inlet = inlet + excluded.inlet, export = export + excluded.export, revision = excluded.revision
       RETURNING inlet, export`,
    )
    this.#whole = database.prepare(
      "SELECT inlet, export FROM flow WHERE kind = ? AND id = ? AND period = 'all'",
    )
    this.#days = database.prepare(
      `SELECT coalesce(sum(inlet), 0) AS inlet, coalesce(sum(export), 0) AS export FROM flow
       WHERE kind = ? AND id = ? AND period >= 'day:' || ? AND period < 'day:' || ?`,
    )
    this.#since = database.prepare(
      "SELECT kind, id FROM flow WHERE period = 'all' AND revision > ? AND kind <> 'aggregate'",
    )
    this.#clear = database.prepare('DELETE FROM flow WHERE kind = ? AND id = ?')
    this.#zero = database.prepare("INSERT INTO flow VALUES (?, ?, 'all', 0, 0, ?)")
    this.#sumTunnels = database.prepare(SUM_TUNNELS)
    this.#addHosts = database.prepare(ADD_HOSTS)
  }

  /** Books into whole lives and days, in the caller's transaction. */
  book(entries: readonly FlowEntry[], at: number): { revision: number; totals: PeriodFlow[] } {
    const revision = this.#revise()
    const totals = entries.map((entry) => this.#bookOne(entry, at, revision))
    return { revision, totals }
  }

  /** Since it was added or reset. */
  whole(kind: FlowKind, id: number): FlowTotals {
    return this.#whole.get(kind, id) ?? NOTHING
  }

  /** In the period of its quota at `at`. */
  inPeriod(kind: Kind, id: number, limits: FlowLimits, at: number): PeriodFlow {
    const { name: period, begin, end } = periodAt(limits, at)
    const totals = period === 'all' ? this.whole(kind, id) : this.#days.get(kind, id, begin, end)
    return { kind, id, period, ...(totals ?? NOTHING) }
  }

  /** Of those whose flow moved after a revision, and that are there. */
  since(revision: number, at: number): PeriodFlow[] {
    return this.#since.all(revision).flatMap(({ kind, id }) => {
      const limits = this.#limitsOf(kind, id)
      return limits === undefined ? [] : [this.inPeriod(kind, id, limits, at)]
    })
  }

  /** From now on it counts from 0, in the caller's transaction. */
  reset(kind: Kind, id: number): void {
    this.#clear.run(kind, id)
    this.#zero.run(kind, id, this.#revise())
  }

  /** Sums up tunnels and hosts by client, and `more` for each, in the caller's transaction. */
  aggregate(more: ReadonlyMap<number, FlowTotals>): void {
    this.#sumTunnels.run()
    this.#addHosts.run()
    for (const [id, flow] of more) this.#book.run('aggregate', id, 'all', flow.inlet, flow.export, UNFOLLOWED)
  }

  #bookOne(entry: FlowEntry, at: number, revision: number): PeriodFlow {
    const { kind, id, inlet, export: out } = entry
    const limits = entry.limits ?? this.#limitsOf(kind, id) ?? {}
    const day = `day:${dayAt(limits.quotaZone, at)}`
    const whole = this.#book.get(kind, id, 'all', inlet, out, revision) ?? NOTHING
    const today = this.#book.get(kind, id, day, inlet, out, revision) ?? NOTHING
    if (limits.quotaPeriod === undefined) return { kind, id, period: 'all', ...whole }
    if (limits.quotaPeriod === 'day') return { kind, id, period: day, ...today }
    return this.inPeriod(kind, id, limits, at)
  }
}

/** Of rows that nobody asks for the changes of. */
const UNFOLLOWED = 0

/**
 * The sum over a client's records of one kind. The plus takes the type off the id, without which the index by client, an
 * expression without a type, is of no use, and each client reads all records.
 */
const sumOf = (kind: 'tunnel' | 'host', join: string, onConflict: string): string => `
  INSERT INTO flow
  SELECT 'aggregate', clients.id, 'all', coalesce(sum(part.inlet), 0), coalesce(sum(part.export), 0), ${UNFOLLOWED}
  FROM clients
  ${join} ${kind}s AS record ON record.body ->> 'clientId' = +clients.id AND record.removed_at IS NULL
  ${join} flow AS part ON part.kind = '${kind}' AND part.id = record.id AND part.period = 'all'
  WHERE clients.removed_at IS NULL GROUP BY clients.id
  ON CONFLICT (kind, id, period) DO UPDATE SET ${onConflict}`

/** For each client, also for who has none. */
export const SUM_TUNNELS: string = sumOf(
  'tunnel',
  'LEFT JOIN',
  'inlet = excluded.inlet, export = excluded.export',
)
/** On top of that. */
export const ADD_HOSTS: string = sumOf(
  'host',
  'JOIN',
  'inlet = inlet + excluded.inlet, export = export + excluded.export',
)
