import type { Timer } from '@sluice/ratelimit'
import { ServiceError } from '@sluice/service'
import type { HttpField } from '@sluice/wire'
import type { JobRequest, JobSink, RunningJob } from './job.ts'
import { JobClock } from './job-clock.ts'
import type { JobGuest, JobParts, JobPlace, JobSlot } from './job-parts.ts'
import { Attempt, type AttemptSink } from './upstream/attempt.ts'
import { type Ask, type Attempting, CachedAttempt } from './upstream/cached-attempt.ts'
import type { Timed } from '@sluice/service/http'
import { fieldOf, responseFields } from './upstream/origin-fields.ts'
import { isStream, type OriginRequest } from './upstream/origin-conn.ts'
import { redirected } from './upstream/redirect.ts'
import { backoffMs, isReplayable, MAX_RETRIES, mayHelp } from './upstream/retry-rules.ts'

/** The body of a redirect that is followed is read to its end, for the sake of the conn, if it is no longer than this. */
const MAX_SKIPPED_BYTES = 64 * 1024

/** A client that sends less of its body in the time that a request may take is slow, and keeps no slot. */
const MIN_UPLOAD_BYTES = 1024

/** Interim responses to one job. */
const MAX_INTERIMS = 100

/** One job, from its place in the queue to its end: attempts one after the other, and a slot only while one is under way. */
export class JobRun implements RunningJob, AttemptSink, JobGuest, Timed {
  readonly #parts: JobParts
  readonly #job: JobRequest
  readonly #sink: JobSink
  readonly #clock: JobClock
  #request: OriginRequest
  #redirects: number
  #place: JobPlace | undefined = undefined
  #slot: JobSlot | undefined = undefined
  #attempt: Attempting | undefined = undefined
  #pausing: Timer | undefined = undefined
  #retries = 0
  #isOver = false
  #hasHead = false
  /** Where to after this response, of which nobody sees anything. */
  #next: OriginRequest | undefined = undefined
  #bytes = 0
  #seenSent = 0
  #isPaused = false
  #interims = 0

  constructor(parts: JobParts, job: JobRequest, request: OriginRequest, sink: JobSink) {
    this.#parts = parts
    this.#job = job
    this.#request = request
    this.#sink = sink
    this.#redirects = Math.min(job.redirects, parts.limits.maxRedirects)
    this.#clock = new JobClock(parts.deadlines.now, parts.limits.requestMs)
    // Who sends it may fail while nobody reads it yet.
    if (isStream(job.body)) job.body.on('error', () => {})
  }

  get deadline(): number {
    return this.#clock.deadline
  }

  /** Waits for a slot, then goes. */
  run(): void {
    try {
      this.#place = this.#parts.join(this.#job, this)
    } catch (error) {
      // Whoever has it made does not know it yet.
      queueMicrotask(() => this.fail(error as Error))
    }
  }

  onSlot(slot: JobSlot): void {
    this.#place = undefined
    if (this.#isOver) return slot[Symbol.dispose]()
    this.#slot = slot
    this.#sink.onTurn?.(slot.waitedMs)
    this.#parts.deadlines.add(this)
    this.#startClock()
    this.#go(false)
  }

  onRefused(error: Error): void {
    this.#place = undefined
    this.fail(error)
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#clock.unpause()
    this.#startClock()
    if (this.#hasHead) this.#restartStep()
    this.#attempt?.resume()
  }

  cancel(error: Error): void {
    if (this.#isOver) return
    this.#end()
    this.#attempt?.abort(error)
  }

  onSent(): void {
    const { body } = this.#request
    this.#seenSent = this.#attempt!.bytesSent
    if (this.#isOver) return
    if (!isStream(body) || body.readableEnded) return this.#awaitHead()
    this.#clock.step(this.#parts.limits.requestMs)
    body.once('end', () => this.#awaitHead())
  }

  onInterim(status: number, fields: readonly HttpField[]): void {
    this.#interims += 1
    if (this.#interims > MAX_INTERIMS)
      return this.#drop(new ServiceError('RESPONSE_INVALID', 'too many of 1xx'))
    if (status !== 101) this.#sink.onInterim?.(status, responseFields(fields))
  }

  onHead(status: number, raw: readonly HttpField[], isCached = false): void {
    this.#clock.step(Infinity)
    const fields = responseFields(raw)
    try {
      if (this.#follows(status, fields)) return
      this.#checkLength(status, fields)
    } catch (error) {
      return this.#drop(error as Error)
    }
    this.#hasHead = true
    this.#parts.cache?.answered(this.#request, status)
    if (this.#job.timing === 'stream') this.#clock.stop()
    this.#restartStep()
    this.#sink.onHead({ status, fields, url: this.#request.url, cached: isCached })
  }

  onData(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length
    if (this.#next !== undefined) return this.#skip()
    if (this.#bytes > this.#parts.limits.maxResponseBytes) {
      this.#drop(new ServiceError('RESPONSE_TOO_LARGE'))
      return true
    }
    this.#restartStep()
    if (this.#sink.onData(chunk)) return true
    this.#isPaused = true
    this.#clock.pause()
    return false
  }

  onEnd(trailers: readonly HttpField[]): void {
    if (this.#next !== undefined) return this.#follow()
    this.#end()
    this.#sink.onEnd(trailers)
  }

  onFailed(error: Error, isStale: boolean): void {
    if (this.#isOver) return
    if (this.#next !== undefined) return this.#follow()
    if (this.#hasHead || !isReplayable(this.#request)) return this.fail(error)
    if (isStale) return this.#go(true)
    if (!mayHelp(error) || this.#retries === MAX_RETRIES || !this.#parts.budget.spend())
      return this.fail(error)
    this.#later()
  }

  onDeadline(): void {
    if (this.#isPaused) return this.#letGo()
    if (this.#isUploading()) return
    this.#drop(new ServiceError(this.#clock.isStep ? 'RESPONSE_TIMEOUT' : 'REQUEST_TIMEOUT'))
  }

  #go(fresh: boolean): void {
    try {
      this.#attempt = this.#attemptAt(this.#request)
      void this.#attempt.run(fresh)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  #attemptAt(request: OriginRequest): Attempting {
    const { cache } = this.#parts
    const ask: Ask = (given, sink) => new Attempt(this.#parts, this.#job.caller, given, sink)
    if (cache === undefined || !this.#parts.mayShare()) return ask(request, this)
    return cache.takes(request) ? new CachedAttempt(cache, ask, request, this) : ask(request, this)
  }

  /** Once more, from the end of the queue, some time later. */
  #later(): void {
    const { clock, random } = this.#parts
    this.#leave()
    this.#retries += 1
    this.#pausing = clock.after(backoffMs(this.#retries, random()), () => this.run())
  }

  #follows(status: number, fields: readonly HttpField[]): boolean {
    if (this.#job.redirects === 0) return false
    this.#next = redirected(this.#request, status, fields, this.#redirects)
    return this.#next !== undefined
  }

  #skip(): boolean {
    if (this.#bytes <= MAX_SKIPPED_BYTES) return true
    this.#attempt!.abort(new ServiceError('RESPONSE_TOO_LARGE'))
    this.#follow()
    return true
  }

  #follow(): void {
    this.#request = this.#next!
    this.#next = undefined
    this.#redirects -= 1
    this.#bytes = 0
    this.#go(false)
  }

  #checkLength(status: number, fields: readonly HttpField[]): void {
    // What these say is the length of another response.
    if (this.#request.method === 'HEAD' || status === 304) return
    const bytes = Number(fieldOf(fields, 'content-length') ?? 0)
    if (bytes > this.#parts.limits.maxResponseBytes) throw new ServiceError('RESPONSE_TOO_LARGE')
  }

  #awaitHead(): void {
    if (!this.#isOver && !this.#hasHead && this.#next === undefined)
      this.#clock.step(this.#parts.limits.firstByteMs)
  }

  #restartStep(): void {
    if (this.#job.timing === 'stream') this.#clock.step(this.#parts.limits.requestMs)
  }

  /** A streamed body is on its way as long as some of it went out lately, or the origin waits for the client. */
  #isUploading(): boolean {
    const { body } = this.#request
    if (this.#hasHead || this.#job.timing !== 'stream') return false
    if (!isStream(body) || body.readableEnded || body.destroyed) return false
    const sent = this.#attempt?.bytesSent ?? 0
    if (sent === this.#seenSent && (body.isPaused() || body.readableLength > 0)) return false
    if (sent - this.#seenSent < MIN_UPLOAD_BYTES) this.#letGo()
    this.#seenSent = sent
    this.#clock.step(this.#parts.limits.requestMs)
    this.#clock.stop()
    return true
  }

  #startClock(): void {
    if (this.#job.timing === 'whole' || !this.#hasHead) this.#clock.start()
  }

  /** It ends here, in the middle of an attempt. */
  #drop(error: Error): void {
    this.#attempt?.abort(error)
    this.fail(error)
  }

  fail(error: Error): void {
    if (this.#isOver) return
    this.#end()
    this.#sink.onFailed(error)
  }

  #end(): void {
    this.#isOver = true
    this.#leave()
    const { body } = this.#job
    if (isStream(body) && !body.readableEnded) body.destroy()
  }

  #leave(): void {
    this.#pausing?.cancel()
    this.#place?.leave()
    this.#place = undefined
    this.#parts.deadlines.delete(this)
    this.#clock.stop()
    this.#clock.step(Infinity)
    this.#leaveSlot()
  }

  /** Its client has let it wait as long as it might take itself: it goes on, but others need not wait for that. */
  #letGo(): void {
    this.#clock.waive()
    this.#leaveSlot()
  }

  #leaveSlot(): void {
    const slot = this.#slot
    this.#slot = undefined
    slot?.[Symbol.dispose]()
  }
}
