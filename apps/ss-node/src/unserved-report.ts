import type { Log } from '@sluice/service'
import type { Unserved } from './unserved.ts'

/** A whole list may be wrong; what is beyond these lines is in the metrics. */
const MOST_LINES = 100

/** Tells who cannot be served and why: in the log once each, and in the metrics for as long as it is so. */
export class UnservedReport {
  readonly #log: Pick<Log, 'warn'>
  #told: ReadonlySet<string> = new Set()
  #counts: ReadonlyMap<string, number> = new Map()

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log
  }

  /** By reason. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  /** These, and no others, are not served now. */
  now(unserved: readonly Unserved[]): void {
    const told = new Set<string>()
    const counts = new Map<string, number>()
    const fresh: Unserved[] = []
    for (const each of unserved) {
      const key = `${each.name} ${each.port} ${each.reason} ${each.detail}`
      if (!this.#told.has(key)) fresh.push(each)
      told.add(key)
      counts.set(each.reason, (counts.get(each.reason) ?? 0) + 1)
    }
    this.#told = told
    this.#counts = counts
    for (const { name, port, reason, detail } of fresh.slice(0, MOST_LINES)) {
      this.#log.warn({ user: name, port, reason, detail }, 'user.unserved')
    }
    if (fresh.length > MOST_LINES) this.#log.warn({ users: fresh.length - MOST_LINES }, 'user.unserved.more')
  }
}
