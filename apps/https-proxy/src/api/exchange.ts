import { type LaneSource, LaneWriter, NetError } from '@sluice/net'
import { type Code, codeOf, type Serving, type UserLanes } from '@sluice/service'
import type { HttpField } from '@sluice/wire'
import { HeldPart } from '../held-bytes.ts'
import type { JobHead, JobRequest, JobSink, RunningJob } from '../job.ts'
import type { AnswerForm } from './answer-form.ts'
import { isStream } from '../upstream/origin-conn.ts'
import { STREAM_WINDOW } from './api-door.ts'
import { BodyUp } from './body-up.ts'
import { problemOf, REQUEST_ID } from './problem.ts'
import {
  type ApiReply,
  type ApiRequestMessage,
  fieldOf,
  forgetHead,
  isH2,
  hasBody,
  isWhole,
  sendHead,
  sendWhole,
} from './reply.ts'
import { requestId, traceOf } from './request-id.ts'
import type { ApiSettings } from './settings.ts'

/** The connection that brought a request. */
export interface ExchangeHost {
  readonly session: Serving
  readonly settings: ApiSettings
  /** Where the bodies of this exchange pass. */
  lanes(exchange: Exchange): UserLanes
  /** Breaks the answer off, so that its client sees that something is missing. */
  cut(exchange: Exchange): void
  /** It is over, and will not be heard of again. */
  onOver(exchange: Exchange): void
}

const EXCHANGE = Symbol('exchange')

// One for all replies: most of what a request costs that waits is what listens for its end.
function onClose(this: ApiReply & { [EXCHANGE]?: Exchange }): void {
  this[EXCHANGE]?.onClose()
}

/** One request of a client, and its answer. */
export class Exchange implements JobSink, LaneSource {
  readonly message: ApiRequestMessage
  readonly reply: ApiReply
  readonly host: ExchangeHost
  readonly id: string
  /** Asked as one asks a proxy: the URL is the target's. */
  readonly isProxied: boolean
  readonly startedAt: number = performance.now()
  method: string
  url: URL | undefined = undefined
  status = 0
  code: Code = 'OK'
  down = 0
  /** For its turn; undefined where it did not come so far. */
  waitedMs: number | undefined = undefined
  type: string | undefined = undefined
  body: BodyUp | undefined = undefined
  isOver = false
  #form: AnswerForm | undefined = undefined
  #job: RunningJob | undefined = undefined
  #writer: LaneWriter | undefined = undefined
  #trailers: readonly HttpField[] | undefined = undefined
  /** Bytes of a body that went up before there was a job. */
  #upBefore = 0
  #abort: AbortController | undefined = undefined
  #before: LaneWriter | undefined = undefined
  #held: HeldPart | undefined = undefined

  constructor(message: ApiRequestMessage, reply: ApiReply, host: ExchangeHost, isProxied: boolean) {
    this.message = message
    this.reply = reply
    this.host = host
    this.isProxied = isProxied
    this.method = message.method ?? ''
    this.id = requestId(fieldOf(message, 'sluice-request-id'))
    Object.assign(reply, { [EXCHANGE]: this }).on('close', onClose)
  }

  /** Without its query, since secrets are found there. */
  get path(): string {
    const { url = '' } = this.message
    const query = url.indexOf('?')
    return query < 0 ? url : url.slice(0, query)
  }

  get up(): number {
    return this.#upBefore + (this.body?.passed ?? 0)
  }

  /** The client waits for leave to send its body. */
  get expectsContinue(): boolean {
    return fieldOf(this.message, 'expect')?.toLowerCase() === '100-continue'
  }

  /** What it keeps in memory as a whole, until it is over. */
  get held(): HeldPart {
    return (this.#held ??= new HeldPart(this.host.settings.held))
  }

  /** Aborts when the exchange is over before it was handed over. */
  signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /** Its stream is a tunnel now, which somebody else looks after. */
  handOver(): void {
    this.isOver = true
  }

  /** The body of the client's request as one of the job. @param first what was read of it already */
  bodyUp(first: Uint8Array | undefined): BodyUp {
    this.body = new BodyUp(this.message, {
      lane: this.host.lanes(this).up,
      first,
      maxBytes: this.host.settings.maxRequestBytes,
      onWanted: () => this.goOn(),
    })
    return this.body
  }

  /** Waits until a body that is there as a whole has leave to go up. */
  passUp(body: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const writer = (this.#before = new LaneWriter(this.host.lanes(this).up, { onFree: resolve }))
      writer.to = {
        write: (piece) => {
          this.#upBefore += piece.length
          return true
        },
      }
      if (writer.write(body)) resolve()
    })
  }

  /** Has a client send its body that waits for leave to. */
  goOn(): void {
    if (this.expectsContinue) this.reply.writeContinue()
  }

  /** Has the request made, and its answer sent in that form. */
  run(request: Omit<JobRequest, 'trace' | 'id' | 'caller'>, form: AnswerForm): void {
    if (this.isOver) return
    this.method = request.method
    this.url = request.url
    this.#form = form
    const { session, settings } = this.host
    const trace = traceOf(fieldOf(this.message, 'traceparent'))
    if (!hasBody(this.message)) forgetHead(this.message)
    const held = waitingBytes(this.message, request)
    const job = settings.jobs.run(
      { ...request, waitingBytes: held, trace, id: this.id, caller: session },
      this,
    )
    // It may have failed already.
    this.#job = job
    if (this.isOver) job.cancel(gone())
  }

  /** An answer of our own. */
  answer(status: number, fields: readonly HttpField[], body: Uint8Array): void {
    if (this.isOver || this.reply.headersSent) return
    this.status = status
    sendHead(this.reply, status, [...fields, [REQUEST_ID, this.id]])
    sendWhole(this.reply, body)
  }

  onTurn(waitedMs: number): void {
    this.waitedMs = (this.waitedMs ?? 0) + Math.round(waitedMs)
  }

  onHead(head: JobHead): void {
    this.status = head.status
    this.type = head.fields.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
    this.#attempt(() => this.#form!.head(head))
  }

  onData(chunk: Uint8Array): boolean {
    if (this.isOver) return true
    this.#writer ??= this.#open()
    return this.#writer.write(chunk)
  }

  onEnd(trailers: readonly HttpField[]): void {
    this.#job = undefined
    if (this.#writer === undefined || this.#writer.free) this.#attempt(() => this.#form!.end(trailers))
    else this.#trailers = trailers
  }

  onFailed(error: Error): void {
    this.#job = undefined
    this.fail(error)
  }

  /** @internal From the lane. */
  write(chunk: Uint8Array): boolean {
    this.down += chunk.length
    let isFree = true
    this.#attempt(() => {
      isFree = this.#form!.write(chunk)
    })
    return isFree
  }

  /** @internal */
  onFree(): void {
    const trailers = this.#trailers
    if (trailers === undefined) this.#job?.resume()
    else {
      this.#trailers = undefined
      this.#attempt(() => this.#form!.end(trailers))
    }
  }

  /** Tells the client why, unless it has got some of an answer. @param more fields of that answer */
  fail(error: unknown, more: readonly HttpField[] = []): void {
    if (this.isOver || this.code !== 'OK') return
    this.code = codeOf(error)
    this.#letGo(error as Error)
    if (this.code === 'INTERNAL') this.host.session.log.error({ err: error, id: this.id }, 'request.failed')
    if (this.reply.headersSent) {
      this.host.cut(this)
      return
    }
    const { status, fields, body } = problemOf(error, this.isProxied)
    this.answer(status, [...fields, ...more], body)
  }

  #open(): LaneWriter {
    const writer = new LaneWriter(this.host.lanes(this).down, this)
    writer.to = this
    this.reply.on('drain', () => writer.onDrain())
    return writer
  }

  #attempt(act: () => void): void {
    if (this.isOver || this.code !== 'OK') return
    try {
      act()
    } catch (error) {
      this.fail(error)
    }
  }

  #letGo(error: Error): void {
    this.#job?.cancel(error)
    this.#job = undefined
    this.body?.destroy()
    this.#abort?.abort(error)
    this.#before?.clear()
    this.#writer?.clear()
    this.#trailers = undefined
  }

  /** @internal The answer is out, or nobody is there any more to get it. */
  onClose(): void {
    if (this.isOver) return
    if (!isWhole(this.reply) && this.code === 'OK') {
      this.code = 'CLIENT_CLOSED'
      this.#letGo(gone())
    }
    this.isOver = true
    this.#held?.clear()
    this.host.onOver(this)
  }
}

/** HTTP/1.1 has a body wait at the client's end; each stream of HTTP/2 brings some of it. */
const waitingBytes = (
  message: ApiRequestMessage,
  { body, bodyBytes = STREAM_WINDOW }: Pick<JobRequest, 'body' | 'bodyBytes'>,
): number => (isStream(body) && isH2(message) ? Math.min(bodyBytes, STREAM_WINDOW) : 0)

const gone = (): NetError => new NetError('CLIENT_CLOSED', 'the client left before it had its answer')
