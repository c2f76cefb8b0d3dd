import { AddressPolicy, createDial, createResolver, straight } from '@sluice/net'
import { type Clock, Shaper } from '@sluice/ratelimit'
import { Account, type Caller } from '@sluice/service'
import type { JobRequest, RunningJob } from '../../job.ts'
import type { JobGuest, JobPlace } from '../../job-parts.ts'
import { HttpJobs, type JobQueue, type JobsConfig, type JobsOptions, type JobTicket } from '../../jobs.ts'
import { RecordingSink } from './recording-sink.ts'

export const CONFIG: JobsConfig = {
  requestMs: 30_000,
  firstByteMs: 30_000,
  connectMs: 10_000,
  maxResponseBytes: Infinity,
  maxRedirects: 20,
  originConnections: 100,
  idleConnections: 100,
  idleMs: 60_000,
  allowH2: true,
  retryShare: 0.1,
  breakerFailures: 10,
  breakerMs: 5000,
  perClient: false,
}

/** Gives slots at once, and knows who holds one. */
export class TestQueue implements JobQueue {
  held = 0
  entered = 0
  left = 0
  readonly tickets: JobTicket[] = []
  /** In place of a slot, later. */
  refusal: Error | undefined = undefined
  /** All have a slot already, of which they are told later. */
  hasDecided = false
  /** Has all wait. */
  gate: Promise<void> = Promise.resolve()

  join(ticket: JobTicket, guest: JobGuest): JobPlace {
    this.tickets.push(ticket)
    const place = { isWaiting: true }
    void this.#tell(place, guest)
    return {
      leave: () => {
        if (!place.isWaiting || this.hasDecided) return false
        place.isWaiting = false
        this.left += 1
        return true
      },
    }
  }

  async #tell(place: { isWaiting: boolean }, guest: JobGuest): Promise<void> {
    await this.gate
    if (!place.isWaiting) return
    place.isWaiting = false
    if (this.refusal === undefined) guest.onSlot(this.#slot())
    else guest.onRefused(this.refusal)
  }

  #slot(): Disposable {
    this.entered += 1
    this.held += 1
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) throw new Error('a slot was left twice')
        isHeld = false
        this.held -= 1
      },
    }
  }
}

export const callerOf = (name: string, host = '192.0.2.9'): Caller => {
  const user = { id: name, name, enabled: true, limits: {}, credentials: [] }
  return {
    account: new Account(user, new Shaper(), {}, () => {}),
    client: { host, port: 40_000 },
    door: 'proxy',
    protocol: 'http',
  }
}

export interface LabOptions {
  readonly config?: Partial<JobsConfig>
  readonly trust?: JobsOptions['trust']
  /** What names lead to; each answer is asked for anew. */
  readonly names?: (host: string) => readonly string[]
  readonly clock?: Clock
  readonly mayReuse?: JobsOptions['mayReuse']
  readonly dial?: JobsOptions['dial']
  readonly allow?: readonly string[]
  readonly cache?: JobsOptions['cache']
  readonly mayShare?: () => boolean
}

type Wish = Partial<Omit<JobRequest, 'url'>>

/** Jobs over real sockets on loopback, with a queue that never waits. */
export class JobsLab implements Disposable {
  readonly queue: TestQueue = new TestQueue()
  readonly warnings: unknown[][] = []
  readonly jobs: HttpJobs
  /** Targets that were dialled. */
  readonly dialled: string[] = []
  readonly caller: Caller = callerOf('ann')

  constructor(options: LabOptions = {}) {
    const { names = (): string[] => ['127.0.0.1'], allow = ['127.0.0.0/8'], mayReuse = () => true } = options
    const resolve = (host: string): Promise<readonly string[]> => Promise.resolve(names(host))
    const resolver = Object.assign(createResolver(), { resolve })
    const tcp = createDial({ policy: new AddressPolicy(allow), resolver })
    this.jobs = new HttpJobs({
      queue: this.queue,
      dial: async (target, signal, caller, use) => {
        this.dialled.push(`${target.host}:${target.port}`)
        return (await options.dial?.(target, signal, caller, use)) ?? straight(await tcp(target, signal))
      },
      mayReuse,
      log: { warn: (...args: unknown[]): void => void this.warnings.push(args) },
      config: { ...CONFIG, ...options.config },
      trust: options.trust ?? {},
      random: () => 0,
      cache: options.cache,
      ...(options.mayShare && { mayShare: options.mayShare }),
      ...(options.clock && { clock: options.clock }),
    })
  }

  start(
    url: string,
    wish: Wish = {},
    sink: RecordingSink = new RecordingSink(),
  ): { sink: RecordingSink; job: RunningJob } {
    const request: JobRequest = {
      method: 'GET',
      url: new URL(url),
      fields: [],
      body: undefined,
      bodyBytes: undefined,
      redirects: 0,
      priority: 1,
      timing: 'whole',
      trace: undefined,
      id: 'r1',
      caller: this.caller,
      ...wish,
    }
    return { sink, job: this.jobs.run(request, sink) }
  }

  ask(url: string, wish: Wish = {}): Promise<RecordingSink> {
    return this.start(url, wish).sink.over
  }

  [Symbol.dispose](): void {
    this.jobs.close()
  }
}
