import type { Readable } from 'node:stream'
import type { Caller } from '@sluice/service'
import type { HttpField } from '@sluice/wire'

/** Of one user's requests those of the lower number go first. */
export const PRIORITIES: readonly string[] = ['high', 'normal', 'low']

/** A request that somebody wants made. */
export interface JobRequest {
  /** A token (RFC 9110 §9.1), in the spelling of the client. */
  readonly method: string
  /** http or https. */
  readonly url: URL
  /** As they are to arrive, repetitions kept; without hop-by-hop fields, Host and Content-Length. */
  readonly fields: readonly HttpField[]
  /** A stream that is read once, as fast as the origin takes it; the job destroys it where it is not read to its end. */
  readonly body: Uint8Array | Readable | undefined
  /** Of a streamed body, where it is known: more or less than that is an error. */
  readonly bodyBytes: number | undefined
  /** Of a streamed body, how much may have come while the request waits; @default nothing that would count. */
  readonly waitingBytes?: number | undefined
  /** How many redirects to follow. */
  readonly redirects: number
  /** Index into {@link PRIORITIES}. */
  readonly priority: number
  /** whole: the request timeout is for all of the exchange; stream: until the head of the response, then for each pause. */
  readonly timing: 'whole' | 'stream'
  /** W3C traceparent of the client, where it sent one that can be read. */
  readonly trace: string | undefined
  /** What everybody calls this one request. */
  readonly id: string
  /** Whose it is. */
  readonly caller: Caller
}

/** The head of an answer. */
export interface JobHead {
  readonly status: number
  /** As they came, repetitions and spelling kept, hop-by-hop fields gone; Content-Length and Content-Encoding are those of the body that follows. */
  readonly fields: readonly HttpField[]
  /** Where the answer is from, after redirects. */
  readonly url: URL
  /** It came out of the cache. */
  readonly cached: boolean
}

/** Who gets the answer. Called in order: `onHead`, `onData` …, then `onEnd`; or `onFailed` in place of what is left, once. */
export interface JobSink {
  /** It has waited so long for its turn; told again where it is made once more. */
  onTurn?(waitedMs: number): void
  /** An interim response (1xx other than 101). */
  onInterim?(status: number, fields: readonly HttpField[]): void
  onHead(head: JobHead): void
  /** `chunk` is the sink's. @returns false: no more until `resume` of the job. Time until then is nobody's fault. */
  onData(chunk: Uint8Array): boolean
  onEnd(trailers: readonly HttpField[]): void
  /** Before `onHead` the sink can say why; after it, it must cut so that the client sees that something is missing. */
  onFailed(error: Error): void
}

/** A job under way. */
export interface RunningJob {
  /** The sink takes more. */
  resume(): void
  /** Nobody wants the answer any more: it leaves the queue, or its origin. The sink is told nothing from now on. */
  cancel(error: Error): void
}

/** Has requests made: each waits in the queue for its turn, then goes to its origin. */
export interface Jobs {
  run(request: JobRequest, sink: JobSink): RunningJob
}
