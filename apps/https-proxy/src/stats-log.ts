import type { Log } from '@sluice/service'
import type { Statistics } from './stats.ts'

/** Writes the statistics into the log again and again, one line each time. */
export class StatsLog implements Disposable {
  readonly #stats: Pick<Statistics, 'report'>
  readonly #log: Pick<Log, 'info'>
  #timer: NodeJS.Timeout

  constructor(stats: Pick<Statistics, 'report'>, log: Pick<Log, 'info'>, everyMs: number) {
    this.#stats = stats
    this.#log = log
    this.#timer = this.#start(everyMs)
  }

  /** The next line is so far away from now. */
  set(everyMs: number): void {
    clearInterval(this.#timer)
    this.#timer = this.#start(everyMs)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #start(everyMs: number): NodeJS.Timeout {
    return setInterval(() => this.#log.info(this.#stats.report(), 'stats'), everyMs)
  }
}
