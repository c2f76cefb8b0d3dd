import { type Code, OUTCOMES } from '@sluice/service'
import { RecentHistogram, StatsHistogram } from './stats-histogram.ts'

/** Asked when the statistics are read. */
export interface StatsSources {
  readonly connections: () => number
  /** Since the start. */
  readonly accepted: () => number
  /** Connections that were turned away since there were too many. */
  readonly refused: () => number
  /** Requests that wait, and what they hold in memory. */
  readonly queue: () => { readonly requests: number; readonly bytes: number }
  /** Requests that are under way to their origins, and how many may be. */
  readonly slots: () => { readonly busy: number; readonly all: number }
}

/** ms, rounded to a hundredth. */
export interface TimesReport {
  readonly avg: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** Named as the original of this door names them, as far as it has them. */
export interface StatsReport {
  readonly uptime_seconds: number
  readonly total_requests: number
  readonly total_success: number
  readonly total_errors: number
  /** Of the errors those that took too long somewhere. */
  readonly total_timeout: number
  /** Requests and connections that were turned away at once. */
  readonly total_rejected: number
  readonly total_connections: number
  readonly active_connections: number
  /** Those without a request. */
  readonly idle_connections: number
  readonly active_workers: number
  readonly max_workers: number
  readonly queue_size: number
  readonly queue_bytes: number
  /** Over the last minute, or since the start. */
  readonly requests_per_second: number
  /** From the head of a request to the end of its answer, over the last minute. */
  readonly avg_request_time_ms: number
  readonly p50_request_time_ms: number
  readonly p90_request_time_ms: number
  readonly p99_request_time_ms: number
  /** The same since the start. */
  readonly request_time_ms: TimesReport
  /** In the queue, over the last minute. */
  readonly wait_time_ms: TimesReport
  /** How often each code. */
  readonly error_types: Readonly<Record<string, number>>
}

const MINUTE_MS = 60_000

const isTimeout = (code: string): boolean => code.endsWith('_TIMEOUT')
const REJECTED = new Set([429, 503])

const rounded = (value: number): number => Math.round(value * 100) / 100

const timesOf = (histogram: StatsHistogram): TimesReport => ({
  avg: rounded(histogram.mean),
  p50: rounded(histogram.quantile(0.5)),
  p90: rounded(histogram.quantile(0.9)),
  p99: rounded(histogram.quantile(0.99)),
})

/** What became of the requests of this door since it opened, whichever way they came in. */
export class Statistics {
  readonly codes: Map<string, number> = new Map()
  readonly #sources: StatsSources
  readonly #now: () => number
  readonly #startedAt: number
  readonly #times = new StatsHistogram()
  readonly #recent: RecentHistogram
  readonly #waits: RecentHistogram

  /** @param now monotonic, ms @default performance.now */
  constructor(sources: StatsSources, now: () => number = () => performance.now()) {
    this.#sources = sources
    this.#now = now
    this.#startedAt = now()
    this.#recent = new RecentHistogram(now)
    this.#waits = new RecentHistogram(now)
  }

  /** A request is over, after `ms`. */
  ended(code: string, ms: number): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
    this.#times.record(ms)
    this.#recent.record(ms)
  }

  /** A request has waited for its turn, and got it. */
  waited(ms: number): void {
    this.#waits.record(ms)
  }

  report(): StatsReport {
    const sources = this.#sources
    const upMs = this.#now() - this.#startedAt
    const { requests, bytes } = sources.queue()
    const { busy, all } = sources.slots()
    const connections = sources.connections()
    const recent = this.#recent.read()
    const { avg, p50, p90, p99 } = timesOf(recent)
    return {
      uptime_seconds: Math.floor(upMs / 1000),
      ...this.#totals(),
      total_connections: sources.accepted(),
      active_connections: connections,
      idle_connections: Math.max(0, connections - requests - busy),
      active_workers: busy,
      max_workers: all,
      queue_size: requests,
      queue_bytes: bytes,
      requests_per_second: rounded((recent.count * 1000) / Math.max(1000, Math.min(MINUTE_MS, upMs))),
      avg_request_time_ms: avg,
      p50_request_time_ms: p50,
      p90_request_time_ms: p90,
      p99_request_time_ms: p99,
      request_time_ms: timesOf(this.#times),
      wait_time_ms: timesOf(this.#waits.read()),
      error_types: Object.fromEntries([...this.codes].filter(([code]) => code !== 'OK')),
    }
  }

  #totals(): Pick<
    StatsReport,
    'total_requests' | 'total_success' | 'total_errors' | 'total_timeout' | 'total_rejected'
  > {
    let [total, timeout, rejected] = [0, 0, this.#sources.refused()]
    for (const [code, count] of this.codes) {
      total += count
      if (isTimeout(code)) timeout += count
      else if (REJECTED.has(OUTCOMES[code as Code].http)) rejected += count
    }
    const success = this.codes.get('OK') ?? 0
    return {
      total_requests: total,
      total_success: success,
      total_errors: total - success,
      total_timeout: timeout,
      total_rejected: rejected,
    }
  }
}
