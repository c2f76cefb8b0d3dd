import { type Log, Seldom } from '@sluice/service'
import type { Kind } from './records.ts'

const SELDOM_MS = 60_000

/** A dial that failed, behind which another target was tried. */
export interface Failover {
  readonly kind: Exclude<Kind, 'client'>
  readonly id: number
  /** Which one failed. */
  readonly target: string
  readonly code: string
}

/** Counts the targets that visitors were led past, and tells of each once a minute. */
export class Failovers {
  readonly counts: Record<Failover['kind'], number> = { tunnel: 0, host: 0 }
  readonly #log: Pick<Log, 'info'>
  readonly #seldom: Seldom

  /** @param now monotonic, ms */
  constructor(log: Pick<Log, 'info'>, now?: () => number) {
    this.#log = log
    this.#seldom = new Seldom(SELDOM_MS, now)
  }

  note({ kind, id, target, code }: Failover): void {
    this.counts[kind] += 1
    if (this.#seldom.due(`${kind} ${id} ${target} ${code}`)) {
      this.#log.info({ [kind]: id, target, code }, 'target.passed-over')
    }
  }
}
