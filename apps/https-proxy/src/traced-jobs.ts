import { codeOf } from '@sluice/service'
import { fieldValues, type HttpField } from '@sluice/wire'
import type { JobHead, JobRequest, Jobs, JobSink, RunningJob } from './job.ts'
import { parentOf, type RequestTrace, type Tracer, type TraceSubject, untraced } from './trace.ts'

/** Traces of requests that wait, by what they are called. */
export type Traces = Map<string, RequestTrace>

/** Follows jobs by their traces, and has origins told of them. */
export class TracedJobs implements Jobs {
  readonly #jobs: Jobs
  readonly #tracer: Tracer
  readonly #traces: Traces

  /** @param traces where who gives out turns finds them */
  constructor(jobs: Jobs, tracer: Tracer, traces: Traces) {
    this.#jobs = jobs
    this.#tracer = tracer
    this.#traces = traces
  }

  run(request: JobRequest, sink: JobSink): RunningJob {
    const written = request.trace ?? fieldValues(request, 'traceparent')
    const parent = parentOf(typeof written === 'string' ? [written] : written)
    const fields = untraced(request.fields, parent !== undefined)
    if (parent === undefined && !this.#tracer.records) {
      const isPlain = fields === request.fields && request.trace === undefined
      return this.#jobs.run(isPlain ? request : { ...request, fields, trace: undefined }, sink)
    }
    const trace = this.#tracer.begin(subjectOf(request), parent)
    const { id } = request
    this.#traces.set(id, trace)
    const done = (code: string): void => {
      this.#traces.delete(id)
      trace.end(code)
    }
    const running = this.#jobs.run(
      { ...request, fields, trace: trace.traceparent },
      new TracedSink(sink, trace, done),
    )
    return {
      resume: () => running.resume(),
      cancel: (error) => {
        done(codeOf(error))
        running.cancel(error)
      },
    }
  }
}

const subjectOf = ({ id, method, url, caller }: JobRequest): TraceSubject => ({
  id,
  method,
  scheme: url.protocol.slice(0, -1),
  host: url.hostname,
  port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  path: url.pathname,
  door: caller.door,
  protocol: caller.protocol,
})

class TracedSink implements JobSink {
  readonly #sink: JobSink
  readonly #trace: RequestTrace
  readonly #done: (code: string) => void

  constructor(sink: JobSink, trace: RequestTrace, done: (code: string) => void) {
    this.#sink = sink
    this.#trace = trace
    this.#done = done
  }

  onInterim(status: number, fields: readonly HttpField[]): void {
    this.#sink.onInterim?.(status, fields)
  }

  onHead(head: JobHead): void {
    this.#trace.head(head.status)
    this.#sink.onHead(head)
  }

  onData(chunk: Uint8Array): boolean {
    return this.#sink.onData(chunk)
  }

  onEnd(trailers: readonly HttpField[]): void {
    this.#done('OK')
    this.#sink.onEnd(trailers)
  }

  onFailed(error: Error): void {
    this.#done(codeOf(error))
    this.#sink.onFailed(error)
  }
}
