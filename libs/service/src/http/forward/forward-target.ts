import {
  type Conn,
  type ConnSink,
  type HttpOutcome,
  LIMITED_READ,
  type LaneWriter,
  NetError,
  type Route,
} from '@sluice/net'
import {
  BodyScan,
  createResponseHeadDecoder,
  type ForwardedRequest,
  type ForwardedResponse,
  forwardResponse,
  proxiedHead,
  type ResponseHead,
} from '@sluice/wire'
import { ServiceError } from '../../errors.ts'
import { REQUEST_ID } from '../answer.ts'
import type { IdleTargets } from './idle-targets.ts'

/** What is answered. */
export interface Answering {
  readonly request: ForwardedRequest
  /** What everybody calls it, where it has a name. */
  readonly id: string | undefined
  /** Bytes for the client. */
  down: number
  status: number
  fields: ResponseHead['fields']
  /** The client gets some of the response. */
  answering: boolean
  /** Whether the client can read interim responses. */
  takesInterim(): boolean
  /** Whether nothing may follow this response on the client's connection. */
  closesAfter(response: ForwardedResponse): boolean
  /** All of the response is written, or held by the lane. */
  onAnswered(): void
  /** The target speaks the other protocol from here on; this side lets go of the conn. */
  onSwitched(): void
  onTargetDrain(): void
  /** It has ended behind its response. */
  onTargetGone(): void
  /** There will be no (more of the) response. @param mayBeStale it may have been closing when the request was sent */
  onTargetFailed(error: Error, mayBeStale: boolean): void
}

/** Whom the responses are for. */
export interface TargetHost {
  readonly settings: { readonly via: string }
  readonly down: LaneWriter
  readonly idle: IdleTargets
}

const IDLE = 0
const HEAD = 1
const BODY = 2
const ANSWERED = 3
const GONE = 4

/** One conn to a target, or to a proxy in its place: reads its responses, one for each exchange. */
export class ForwardTarget implements ConnSink {
  readonly route: Route
  readonly conn: Conn
  /** See {@link IdleTargets}. */
  readonly key: string
  idleSince: number = -Infinity
  readonly #host: TargetHost
  readonly #decode = createResponseHeadDecoder()
  readonly #body = new BodyScan()
  #head: Uint8Array | undefined = undefined
  #state = IDLE
  #exchange: Answering | undefined = undefined
  /** It ends after this response, or has ended. */
  #isLast = false
  /** The proxy has shown whether it is of use. */
  #isTold = false

  constructor(route: Route, key: string, host: TargetHost) {
    const { conn } = route
    this.route = route
    this.conn = conn
    this.key = key
    this.#host = host
    conn.attach(this)
  }

  /** The head of a request, as this one wants it. */
  headOf(request: ForwardedRequest): string {
    const { hop } = this.route
    return hop === undefined ? request.head : proxiedHead(request, hop.authorization)
  }

  /** The next response is for this one. */
  begin(exchange: Answering): void {
    this.#exchange = exchange
    this.#state = HEAD
    if (this.#host.down.lane.limiter !== undefined) this.conn.readLimit = LIMITED_READ
    this.conn.resume()
  }

  /** The exchange is over. @returns whether another one may follow */
  rest(now: number): boolean {
    if (this.#state !== ANSWERED || this.#isLast) return false
    this.#exchange = undefined
    this.#state = IDLE
    this.idleSince = now
    return true
  }

  /** Lets go of the conn. A target that has not got all of its request must not take what it has for all. */
  drop(): void {
    const isBusy = this.#state === HEAD || this.#state === BODY
    this.#state = GONE
    this.#tell('aborted')
    this.conn.attach(undefined)
    if (isBusy) this.conn.reset()
    else this.conn.destroy()
  }

  onData(chunk: Uint8Array): void {
    try {
      if (this.#state === BODY) this.#readBody(chunk)
      else if (this.#state === HEAD) this.#readHead(chunk)
      else this.#onSurplus()
    } catch (error) {
      this.#fail(new ServiceError('RESPONSE_INVALID', 'the response is malformed', { cause: error }))
    }
  }

  onEnd(): void {
    if (this.#state === BODY && this.#body.close()) this.#answered(true)
    else this.#over(undefined)
  }

  onDrain(): void {
    this.#exchange?.onTargetDrain()
  }

  onClose(error: Error | undefined): void {
    this.#over(error)
  }

  #over(cause: Error | undefined): void {
    this.#isLast = true
    if (this.#state === HEAD || this.#state === BODY) this.#fail(this.#ended(cause))
    else if (this.#state === ANSWERED) this.#exchange!.onTargetGone()
    else if (this.#state === IDLE) this.#host.idle.remove(this)
  }

  #ended(cause: Error | undefined): NetError {
    const { hop } = this.route
    if (hop === undefined || this.#state === BODY)
      return new NetError('TARGET_RESET', 'the target ended before its response', { cause })
    const error = new NetError('UPSTREAM_FAILED', `${hop.label}: closed before its answer`, { cause })
    this.#tell(error)
    return error
  }

  #tell(outcome: HttpOutcome): void {
    if (this.#isTold) return
    this.#isTold = true
    this.route.hop?.told(outcome)
  }

  /** A proxy that does not know us; its 407 would ask the client for what is ours. */
  #failAuth(label: string): void {
    const error = new NetError('UPSTREAM_AUTH', `${label}: refuses the credentials (407)`)
    this.#tell(error)
    this.#exchange!.onTargetFailed(error, false)
  }

  #fail(error: Error): void {
    const mayBeStale = this.#state === HEAD && this.#head === undefined && this.idleSince > -Infinity
    this.#exchange!.onTargetFailed(error, mayBeStale)
  }

  /** Bytes that nobody asked for could be taken for the next response. */
  #onSurplus(): void {
    this.#isLast = true
    if (this.#state === IDLE) this.#host.idle.remove(this)
  }

  #readHead(chunk: Uint8Array): void {
    let bytes = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk])
    for (;;) {
      const decoded = this.#decode(bytes)
      if (decoded === undefined) {
        this.#head = Buffer.from(bytes)
        return
      }
      this.#head = undefined
      const { value: response, size } = decoded
      if (response.status >= 200) return this.#respond(response, bytes, size)
      bytes = bytes.subarray(size)
      if (response.status === 101) return this.#switch(response, bytes)
      if (!this.#interim(response)) this.conn.pause()
      if (bytes.length === 0) return
      if (!this.#host.down.free) return this.conn.unread(bytes)
    }
  }

  #respond(response: ResponseHead, bytes: Uint8Array, size: number): void {
    const { hop } = this.route
    if (hop !== undefined && response.status === 407) return this.#failAuth(hop.label)
    this.#tell('ok')
    const exchange = this.#exchange!
    const forwarded = forwardResponse(response, exchange.request.method, this.#host.settings.via)
    const body = this.#body
    body.begin(forwarded.body)
    const end = body.scan(bytes, size)
    this.#state = BODY
    this.#isLast ||= forwarded.close
    const last = exchange.closesAfter(forwarded) ? 'Connection: close\r\n\r\n' : '\r\n'
    const head = forwarded.head + this.#idLine() + last
    const message = Buffer.allocUnsafe(head.length + end - size)
    message.write(head, 'latin1')
    if (end > size) message.set(bytes.subarray(size, end), head.length)
    exchange.status = response.status
    exchange.fields = response.fields
    exchange.answering = true
    if (!this.#write(message)) this.conn.pause()
    if (body.ended) this.#answered(end < bytes.length)
  }

  #readBody(chunk: Uint8Array): void {
    const body = this.#body
    const end = body.scan(chunk, 0)
    if (!this.#write(end === chunk.length ? chunk : chunk.subarray(0, end))) this.conn.pause()
    if (body.ended) this.#answered(end < chunk.length)
  }

  #answered(isLast: boolean): void {
    this.#state = ANSWERED
    this.#isLast ||= isLast
    this.#exchange!.onAnswered()
  }

  /** @returns whether it all went at once */
  #interim(response: ResponseHead): boolean {
    const exchange = this.#exchange!
    if (!exchange.takesInterim()) return true
    const { head } = forwardResponse(response, exchange.request.method, this.#host.settings.via)
    const last = response.status === 101 ? this.#idLine() : ''
    return this.#write(Buffer.from(`${head}${last}\r\n`, 'latin1'))
  }

  #idLine(): string {
    const { id } = this.#exchange!
    return id === undefined ? '' : `${REQUEST_ID}: ${id}\r\n`
  }

  #switch(response: ResponseHead, rest: Uint8Array): void {
    const exchange = this.#exchange!
    if (exchange.request.upgrade === undefined) throw new Error('nobody asked for another protocol')
    this.conn.pause()
    this.conn.unread(rest)
    exchange.status = 101
    exchange.answering = true
    this.#interim(response)
    this.#state = GONE
    this.#tell('ok')
    this.conn.attach(undefined)
    exchange.onSwitched()
  }

  #write(bytes: Uint8Array): boolean {
    this.#exchange!.down += bytes.length
    return this.#host.down.write(bytes)
  }
}
