import type { UserReport, UserStatus } from './user-status.ts'

/** A user with how fast they are, in bytes per second. */
export interface TopRow extends UserStatus {
  /** Between the last two reports. */
  readonly upRate: number
  readonly downRate: number
  /** The mean of about the last ten seconds, the later the weightier. */
  readonly upMean: number
  readonly downMean: number
}

const MEAN_MS = 10_000

interface Seen {
  readonly row: TopRow
  /** How many rates the mean is made of. */
  readonly rates: number
}

/** Makes rates out of counters that are read again and again. */
export class TopRates {
  #uptimeMs = Infinity
  #seen = new Map<string, Seen>()

  /** The users of the latest report; nobody has a rate at the first, nor after a restart of the program. */
  add(report: UserReport): TopRow[] {
    const ms = report.uptimeMs - this.#uptimeMs
    const before = ms > 0 ? this.#seen : new Map<string, Seen>()
    this.#uptimeMs = report.uptimeMs
    this.#seen = new Map(report.users.map((user) => [user.id, seen(user, before.get(user.id), ms)]))
    return [...this.#seen.values()].map(({ row }) => row)
  }
}

const seen = (user: UserStatus, before: Seen | undefined, ms: number): Seen => {
  if (before === undefined) {
    return { row: { ...user, upRate: 0, downRate: 0, upMean: 0, downMean: 0 }, rates: 0 }
  }
  const { row } = before
  const rates = before.rates + 1
  const upRate = (Math.max(0, user.up - row.up) * 1000) / ms
  const downRate = (Math.max(0, user.down - row.down) * 1000) / ms
  // The plain mean of the first few: it should not have to climb from 0.
  const weight = Math.max(1 - Math.exp(-ms / MEAN_MS), 1 / rates)
  const upMean = row.upMean + weight * (upRate - row.upMean)
  const downMean = row.downMean + weight * (downRate - row.downMean)
  return { row: { ...user, upRate, downRate, upMean, downMean }, rates }
}
