import { isDeepStrictEqual } from 'node:util'
import type { Program } from '@sluice/service'
import type { Enter } from '@sluice/service/http'
import { Admission, type AdmissionLimits } from './admission.ts'
import type { HttpsProxyConfig } from './config.ts'
import type { JobRequest, Jobs, JobSink, RunningJob } from './job.ts'
import { HttpJobs, type JobsConfig } from './jobs.ts'
import { type OriginFiles, readOriginFiles } from './origin-files.ts'
import { RestingQueue } from './resting-queue.ts'
import type { Tracer } from './trace.ts'
import { TracedJobs, type Traces } from './traced-jobs.ts'
import type { ResponseCacheOptions } from './upstream/response-cache.ts'
import { type QueueWatch, WatchedQueue } from './watched-queue.ts'

/** Of {@link PRIORITIES}: normal. */
const NORMAL = 1
const MAX_JOB_REDIRECTS = 50
const ORIGIN_IDLE_MS = 30_000

interface Origins {
  readonly config: JobsConfig
  readonly files: OriginFiles
  readonly cache: ResponseCacheOptions | undefined
}

export interface DeskOptions {
  readonly program: Program
  readonly tracer: Tracer
  readonly watch: QueueWatch
}

/** What is behind all ways in: the queue, and those who make the requests whose turn it is. */
export class Desk implements Jobs {
  readonly admission: Admission
  /** In front of that. */
  readonly resting: RestingQueue
  /** Where forwarded requests and tunnels wait for their turn. */
  readonly enter: Enter
  readonly #program: Program
  readonly #tracer: Tracer
  readonly #queue: WatchedQueue
  readonly #traces: Traces = new Map()
  #origins: Origins
  /** Rules may let one user go where another may not. */
  #mayShare: boolean
  #made: HttpJobs
  #jobs: Jobs
  /** With requests under way, since the settings have changed. */
  readonly #former = new Set<HttpJobs>()

  /** @throws ConfigError where files of the settings are of no use */
  constructor(config: HttpsProxyConfig, { program, tracer, watch }: DeskOptions) {
    this.#program = program
    this.#tracer = tracer
    this.admission = new Admission(queueLimits(config))
    this.resting = new RestingQueue(this.admission)
    this.#queue = new WatchedQueue(this.resting, {
      waited: (ticket, ms) => {
        if (ticket.id !== undefined) this.#traces.get(ticket.id)?.turn(ms)
        watch.waited(ticket, ms)
      },
      held: (ticket, ms) => watch.held(ticket, ms),
    })
    this.enter = this.#queue.forwarded(NORMAL)
    this.#mayShare = config.rules.length === 0
    this.#origins = originsOf(config)
    this.#made = this.#make(this.#origins)
    this.#jobs = this.#traced(this.#made)
  }

  run(request: JobRequest, sink: JobSink): RunningJob {
    return this.#jobs.run(request, sink)
  }

  /** @returns what takes the settings over @throws ConfigError where files that they name are of no use */
  prepare(config: HttpsProxyConfig): () => void {
    const origins = originsOf(config)
    const made = isDeepStrictEqual(origins, this.#origins) ? undefined : this.#make(origins)
    return () => {
      this.admission.set(queueLimits(config))
      this.#mayShare = config.rules.length === 0
      if (made === undefined) return
      for (const jobs of this.#former) if (jobs.conns.size === 0) this.#former.delete(jobs)
      this.#former.add(this.#made)
      this.#origins = origins
      this.#made = made
      this.#jobs = this.#traced(made)
    }
  }

  /** Whoever waits gets no turn any more. */
  close(): void {
    this.admission.close()
    for (const jobs of [...this.#former, this.#made]) jobs.close()
  }

  #make({ config, files, cache }: Origins): HttpJobs {
    const { dial, mayReuse, log } = this.#program
    const mayShare = (): boolean => this.#mayShare
    return new HttpJobs({ queue: this.#queue, dial, mayReuse, log, config, trust: files, cache, mayShare })
  }

  #traced(jobs: Jobs): Jobs {
    return new TracedJobs(jobs, this.#tracer, this.#traces)
  }
}

const queueLimits = (config: HttpsProxyConfig): AdmissionLimits => ({
  slots: config.slots,
  maxWaiting: config.queue,
  maxWaitingBytes: config.queueBytes,
  timeoutMs: config.queueMs,
  shedTargetMs: config.shedMs ?? Infinity,
  userRequests: config.userRequests,
  userRequestRate: config.userRequestRate,
  addressRequestRate: config.addressRequestRate,
})

const originsOf = (config: HttpsProxyConfig): Origins => ({
  cache:
    config.cache === undefined && !config.coalesce
      ? undefined
      : { store: config.cache, coalesce: config.coalesce },
  config: {
    requestMs: config.requestMs,
    firstByteMs: config.firstByteMs ?? config.requestMs,
    maxResponseBytes: config.maxResponseBytes ?? Infinity,
    // Each way in has its own most.
    maxRedirects: MAX_JOB_REDIRECTS,
    connectMs: config.dialMs,
    // Who lets a slow client have its answer without a slot counts here still.
    originConnections: config.originConnections ?? Infinity,
    idleConnections: Math.max(1024, config.slots),
    idleMs: ORIGIN_IDLE_MS,
    allowH2: true,
    retryShare: config.retryBudget / 100,
    breakerFailures: config.breaker,
    breakerMs: config.breakerMs,
    perClient: config.sendProxy !== undefined && config.sendProxyTo.length > 0,
  },
  files: readOriginFiles(config),
})
