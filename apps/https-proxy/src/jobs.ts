import { type Clock, systemClock } from '@sluice/ratelimit'
import { type Caller, type CallerDial, type CallerMayReuse, type Log, ServiceError } from '@sluice/service'
import type { HttpField } from '@sluice/wire'
import type { JobRequest, Jobs, JobSink, RunningJob } from './job.ts'
import type { JobLimits } from './job-limits.ts'
import type { JobGuest, JobPlace } from './job-parts.ts'
import { JobRun } from './job-run.ts'
import { Deadlines } from '@sluice/service/http'
import { OriginConns } from './upstream/origin-conns.ts'
import { isStream, type OriginRequest } from './upstream/origin-conn.ts'
import { fieldOf, requestFields } from './upstream/origin-fields.ts'
import { OriginTrust, type OriginTrustOptions } from './upstream/origin-trust.ts'
import { Origins } from './upstream/origins.ts'
import { ResponseCache, type ResponseCacheOptions } from './upstream/response-cache.ts'
import { RetryBudget } from './upstream/retry-budget.ts'

/** A job that wants its turn. */
export interface JobTicket {
  readonly caller: Caller
  readonly priority: number
  readonly bytes: number
  readonly id: string
}

/** Where jobs wait for their turn. */
export interface JobQueue {
  /**
   * Has `guest` told of its slot, or of ServiceError QUEUE_FULL, QUEUE_TIMEOUT and what else keeps a job out.
   * @returns undefined: it does not wait
   * @throws what else keeps a job out
   */
  join(ticket: JobTicket, guest: JobGuest): JobPlace | undefined
}

export interface JobsConfig extends JobLimits {
  readonly connectMs: number
  /** Requests under way to one origin. */
  readonly originConnections: number
  /** Conns that wait for their next request: how many, and how long each. */
  readonly idleConnections: number
  readonly idleMs: number
  /** HTTP/2 where the origin offers it. */
  readonly allowH2: boolean
  /** Retries as a share of requests, 0 to 1. */
  readonly retryShare: number
  /** Failures in a row after which an origin is left alone, and for how long; 0 failures: never. */
  readonly breakerFailures: number
  readonly breakerMs: number
  /** Dials tell origins who the client is: no conn serves two client addresses. */
  readonly perClient: boolean
}

export interface JobsOptions {
  readonly queue: JobQueue
  readonly dial: CallerDial
  readonly mayReuse: CallerMayReuse
  readonly log: Pick<Log, 'warn'>
  readonly config: JobsConfig
  readonly trust: Omit<OriginTrustOptions, 'log' | 'now'>
  /** Left out: nothing is cached. */
  readonly cache?: ResponseCacheOptions | undefined
  /** Asked before the cache is: whether all users may have what one was told, since all may go to the same places. */
  readonly mayShare?: () => boolean
  /** @default the W3C traceparent that the client sent */
  readonly traceparent?: (request: JobRequest) => string | undefined
  readonly clock?: Clock
  readonly random?: () => number
}

/** A token (RFC 9110 §5.6.2), and no longer than any method there is. */
const METHOD = /^[!#$%&'*+.^_`|~\dA-Za-z-]{1,64}$/

/** Has jobs made with HTTP/1.1 and HTTP/2, over conns that are dialled as everything in this program is. */
export class HttpJobs implements Jobs {
  readonly deadlines: Deadlines
  readonly conns: OriginConns
  readonly origins: Origins
  readonly cache: ResponseCache | undefined
  readonly #parts: ConstructorParameters<typeof JobRun>[0]
  readonly #traceparent: (request: JobRequest) => string | undefined

  /** @throws RangeError for certificates that are of no use */
  constructor(options: JobsOptions) {
    const { config, dial, mayReuse, log, queue, clock = systemClock } = options
    const { random = Math.random, traceparent = ({ trace }) => trace } = options
    const now = (): number => clock.now()
    const { connectMs, idleMs, allowH2, perClient } = config
    this.deadlines = new Deadlines(now)
    const trust = new OriginTrust({ ...options.trust, log, now })
    this.conns = new OriginConns({
      dial,
      mayReuse,
      trust,
      allowH2,
      idleMs,
      perClient,
      maxIdle: config.idleConnections,
    })
    const { originConnections: limit, breakerFailures: failures, breakerMs: openMs } = config
    this.origins = new Origins({ limit, failures, openMs, now })
    this.cache = options.cache && new ResponseCache(options.cache)
    this.#traceparent = traceparent
    this.#parts = {
      conns: this.conns,
      origins: this.origins,
      deadlines: this.deadlines,
      connectMs,
      limits: config,
      budget: new RetryBudget(config.retryShare),
      clock,
      random,
      cache: this.cache,
      mayShare: options.mayShare ?? ((): boolean => true),
      join: (request, guest) => queue.join(ticketOf(request), guest),
    }
  }

  run(request: JobRequest, sink: JobSink): RunningJob {
    const job = new JobRun(this.#parts, request, this.#outgoing(request), sink)
    this.#parts.budget.earn()
    if (isValid(request)) job.run()
    else queueMicrotask(() => job.fail(new ServiceError('REQUEST_INVALID')))
    return job
  }

  /** Conns that are open close; what is under way over them fails. */
  close(): void {
    this.conns.close()
    this.cache?.close()
  }

  #outgoing(request: JobRequest): OriginRequest {
    const { method, url, body, bodyBytes } = request
    const fields = requestFields(request.fields)
    const isEmpty = bodyBytes === 0 || (body instanceof Uint8Array && body.length === 0)
    const added = [...authorization(url, fields), ...this.#trace(request, fields)]
    return {
      method,
      url: withoutUser(url),
      fields: [...fields, ...added],
      body: isEmpty ? undefined : body,
      bodyBytes: isStream(body) && !isEmpty ? bodyBytes : undefined,
    }
  }

  #trace(request: JobRequest, fields: readonly HttpField[]): HttpField[] {
    if (fieldOf(fields, 'traceparent') !== undefined) return []
    const value = this.#traceparent(request)
    return value === undefined ? [] : [['traceparent', value]]
  }
}

/** CONNECT asks for something else than a response. */
const isValid = ({ method, url }: JobRequest): boolean =>
  METHOD.test(method) && method !== 'CONNECT' && (url.protocol === 'http:' || url.protocol === 'https:')

/** As browsers and curl do with what stands in front of a URL's host. */
const authorization = ({ username, password }: URL, fields: readonly HttpField[]): HttpField[] => {
  if (username === '' || fieldOf(fields, 'authorization') !== undefined) return []
  const text = [username, password].map(decoded).join(':')
  return [['authorization', `Basic ${Buffer.from(text).toString('base64')}`]]
}

const withoutUser = (url: URL): URL => {
  if (url.username === '' && url.password === '') return url
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const ticketOf = (request: JobRequest): JobTicket => {
  const { caller, priority, id } = request
  return { caller, priority, id, bytes: heldBytes(request) }
}

/** About what a job that waits keeps in memory; a stream waits at the client's end. */
const heldBytes = ({ url, fields, body }: JobRequest): number => {
  const head = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, url.href.length)
  return body instanceof Uint8Array ? head + body.length : head
}
