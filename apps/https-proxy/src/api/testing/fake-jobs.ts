import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { HttpField } from '@sluice/wire'
import type { JobRequest, Jobs, JobSink, RunningJob } from '../../job.ts'

/** A job that a test answers. */
export class FakeJob implements RunningJob {
  readonly request: JobRequest
  readonly sink: JobSink
  /** Resolves with why it was cancelled. */
  readonly cancelled: Promise<Error>
  isCancelled = false
  resumed = 0
  onResume: () => void = () => {}
  #cancel!: (error: Error) => void

  constructor(request: JobRequest, sink: JobSink) {
    this.request = request
    this.sink = sink
    this.cancelled = new Promise((resolve) => (this.#cancel = resolve))
  }

  resume(): void {
    this.resumed += 1
    this.onResume()
  }

  cancel(error: Error): void {
    this.isCancelled = true
    this.#cancel(error)
  }

  /** All of the request's body. */
  async body(): Promise<Buffer> {
    const { body } = this.request
    if (body instanceof Readable) return buffer(body)
    return Buffer.from(body ?? '')
  }

  head(status: number, fields: readonly HttpField[] = []): void {
    this.sink.onHead({ status, fields, url: this.request.url, cached: false })
  }

  /** Sends all of it as fast as it is taken, then ends. */
  pour(chunks: Iterable<Uint8Array>, trailers: readonly HttpField[] = []): void {
    const rest = chunks[Symbol.iterator]()
    const go = (): void => {
      for (let next = rest.next(); ; next = rest.next()) {
        if (this.isCancelled) return
        if (next.done === true) return this.sink.onEnd(trailers)
        if (!this.sink.onData(next.value)) return
      }
    }
    this.onResume = go
    go()
  }

  answer(
    status: number,
    fields: readonly HttpField[] = [],
    body = '',
    trailers: readonly HttpField[] = [],
  ): void {
    this.head(status, fields)
    this.pour(body === '' ? [] : [Buffer.from(body)], trailers)
  }
}

/** Keeps what it is asked for, until a test answers. */
export class FakeJobs implements Jobs {
  readonly all: FakeJob[] = []
  /** Runs with each; may answer at once. */
  onJob: (job: FakeJob) => void = () => {}
  readonly #waiting: ((job: FakeJob) => void)[] = []
  #taken = 0

  run(request: JobRequest, sink: JobSink): RunningJob {
    const job = new FakeJob(request, sink)
    this.all.push(job)
    this.onJob(job)
    if (this.#waiting.length > 0) {
      this.#taken += 1
      this.#waiting.shift()!(job)
    }
    return job
  }

  /** The next one, in the order in which they come. */
  next(): Promise<FakeJob> {
    const job = this.all[this.#taken]
    if (job !== undefined) {
      this.#taken += 1
      return Promise.resolve(job)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
