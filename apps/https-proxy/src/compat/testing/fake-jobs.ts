import type { HttpField } from '@sluice/wire'
import type { JobHead, JobRequest, JobSink, Jobs, RunningJob } from '../../job.ts'

/** A job that a test answers. */
export class FakeJob implements RunningJob {
  readonly request: JobRequest
  readonly sink: JobSink
  /** Why it was cancelled. */
  cancelled: Error | undefined = undefined

  constructor(request: JobRequest, sink: JobSink) {
    this.request = request
    this.sink = sink
  }

  resume(): void {}

  cancel(error: Error): void {
    this.cancelled ??= error
  }

  head(status: number, fields: readonly HttpField[] = []): void {
    const head: JobHead = { status, fields, url: this.request.url, cached: false }
    this.sink.onHead(head)
  }

  /** A whole answer. */
  answer(status: number, fields: readonly HttpField[], ...body: readonly (string | Uint8Array)[]): void {
    this.head(status, fields)
    for (const part of body) this.sink.onData(Buffer.from(part))
    if (this.cancelled === undefined) this.sink.onEnd([])
  }
}

/** Keeps what it is asked for, until a test answers. */
export class FakeJobs implements Jobs {
  readonly all: FakeJob[] = []
  /** Runs with each; may answer at once. */
  onJob: (job: FakeJob) => void = () => {}

  run(request: JobRequest, sink: JobSink): RunningJob {
    const job = new FakeJob(request, sink)
    this.all.push(job)
    this.onJob(job)
    return job
  }

  get last(): FakeJob | undefined {
    return this.all.at(-1)
  }
}
