import { type Conn, type ConnSink, LaneWriter, LIMITED_READ, NetError, refuse } from '@sluice/net'
import { codeOf, ServiceError } from '../../errors.ts'
import type { Serving } from '../../request.ts'
import type { UserLanes } from '../../user-lane.ts'
import { optionsAnswer, type OwnAnswer } from '../answer.ts'
import { type ClientLogin, isStranger } from './client-login.ts'
import { ANSWER, BODY, HEAD, OVER } from './client-phase.ts'
import type { Timed } from './deadlines.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeHost } from './exchange-host.ts'
import { IdleTargets } from './idle-targets.ts'
import type { ReadRequest } from './read-request.ts'
import { refusalOf } from './refusal.ts'
import { RequestLog } from './request-log.ts'
import { RequestReader } from './request-reader.ts'
import type { ForwardSettings } from './settings.ts'

/** How often a client that sends a body is looked at. */
const BODY_WINDOW_MS = 60_000

const NOTHING = new Uint8Array(0)

/** A client's connection: reads its requests, and has them answered one after the other. */
export class ForwardClient implements ConnSink, Timed, ExchangeHost {
  deadline: number = Infinity
  isLast = false
  readonly session: Serving
  readonly settings: ForwardSettings
  up!: LaneWriter
  down!: LaneWriter
  readonly idle: IdleTargets = new IdleTargets()
  readonly log: RequestLog
  readonly reader: RequestReader
  readonly #login: ClientLogin | undefined
  #lanes!: UserLanes
  #phase: number = HEAD
  #exchange: Exchange | undefined = undefined
  #isReading = false
  /** Speaks another protocol, and waits for what was written before. */
  #switched: Conn | undefined = undefined
  #settle: (error?: Error) => void = () => {}

  /** @param login what each request has to bring; undefined: whatever it likes */
  constructor(session: Serving, login: ClientLogin | undefined, settings: ForwardSettings) {
    this.session = session
    this.settings = settings
    this.log = new RequestLog(session, settings.scheme)
    this.#login = login
    this.reader = new RequestReader(settings)
    this.onLanes(session.lanes)
  }

  onLanes(lanes: UserLanes): void {
    if (lanes === this.#lanes) return
    this.#lanes = lanes
    this.up = new LaneWriter(lanes.up, { onFree: () => this.onProgress() })
    this.down = new LaneWriter(lanes.down, { onFree: () => this.#onDownFree() })
    this.down.to = this.session.conn
  }

  /** Settles when the connection is over. @throws what ended it, other than its client between two requests */
  run(request: ReadRequest, size: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined): void => (error === undefined ? resolve() : reject(error))
      const onStop = (error: Error): void => this.#stop(error)
      const onShutdown = (): void => this.#onShutdown()
      this.#settle = settle
      this.session.onStop = onStop
      this.session.onShutdown = onShutdown
      this.settings.deadlines.add(this)
      this.session.conn.attach(this)
      this.reader.beginBody(request)
      this.#begin(request, size)
      this.#listen()
    })
  }

  onData(chunk: Uint8Array): void {
    this.reader.rest = chunk
    if (this.#phase === BODY) this.#readBody()
    else this.#next()
  }

  onEnd(): void {
    this.isLast = true
    if (this.#isWaiting) this.#close()
    else if (this.#phase === HEAD || !this.reader.isBodyRead || this.#exchange?.isQueued === true)
      this.#lost(undefined)
  }

  onDrain(): void {
    this.down.onDrain()
  }

  onClose(cause: Error | undefined): void {
    if (this.#isWaiting) this.#close()
    else this.#lost(cause)
  }

  onDeadline(): void {
    this.deadline = Infinity
    if (this.#isWaiting) this.#close()
    else if (this.#phase === ANSWER) {
      if (!this.up.free) this.#wait(this.settings.responseMs)
      else if (!this.#exchange!.answering) this.onFailed(new ServiceError('RESPONSE_TIMEOUT'))
    } else if (this.#phase === BODY && !this.#exchange!.isTooSlow()) this.#wait(BODY_WINDOW_MS)
    else this.onFailed(new NetError('HANDSHAKE_TIMEOUT', 'the request is too slow'))
  }

  /** Between two requests. */
  get #isWaiting(): boolean {
    return this.#phase === HEAD && !this.reader.isWithinHead
  }

  #wait(ms: number): void {
    this.deadline = this.settings.deadlines.now() + ms
  }

  /** Reads what has come, as far as its turn is. What comes behind a request waits until that is answered. */
  #next(): void {
    if (this.#isReading) return
    this.#isReading = true
    while (this.#phase === HEAD && this.reader.rest !== undefined) this.#readHead()
    this.#isReading = false
    this.#listen()
  }

  /** Whatever the phase, the client is listened to as far as possible, if only to see it leave. */
  #listen(): void {
    if (this.#phase === OVER) return
    if (this.reader.rest === undefined && this.up.free) this.session.conn.resume()
    else this.session.conn.pause()
  }

  #readHead(): void {
    try {
      const { isWithinHead } = this.reader
      const head = this.reader.takeHead()
      if (head !== undefined) this.#begin(head.request, head.size)
      else if (!isWithinHead) this.#wait(this.settings.headMs)
    } catch (error) {
      this.onFailed(error)
    }
  }

  #begin(request: ReadRequest, size: number): void {
    const exchange = (this.#exchange = new Exchange(this, request, size))
    this.isLast ||= request.close
    this.onDialling()
    const isOther = isStranger(request, this.#login)
    if (isOther) this.isLast ||= request.credentials !== undefined
    const refusal = isOther ? 'AUTH_REQUIRED' : exchange.refusal
    if (refusal !== undefined) this.onFailed(new ServiceError(refusal))
    else if (request.maxForwards === 0) this.onOwnAnswer(optionsAnswer(!this.isLast, exchange.id))
    else exchange.start()
  }

  #readBody(): void {
    try {
      const reader = this.reader
      const body = reader.takeBody()
      this.#exchange!.up += body.length
      if (!this.up.write(body) || reader.rest !== undefined) this.session.conn.pause()
      if (reader.isBodyRead) this.#waitForAnswer()
    } catch (error) {
      this.onFailed(error)
    }
  }

  onDialling(): void {
    this.#phase = ANSWER
    this.deadline = Infinity
  }

  onSent(): void {
    if (this.up.lane.limiter !== undefined) this.session.conn.readLimit = LIMITED_READ
    if (this.reader.isBodyRead) return this.#waitForAnswer()
    this.#phase = BODY
    this.#wait(BODY_WINDOW_MS)
    this.#listen()
  }

  #waitForAnswer(): void {
    this.#phase = ANSWER
    this.#wait(this.settings.responseMs)
    this.onProgress()
  }

  onProgress(): void {
    if (this.#switched !== undefined) return this.#handOver(this.#switched)
    const exchange = this.#exchange
    if (exchange?.answered === true && this.down.free) {
      const isSent = this.reader.isBodyRead && this.up.free
      if (isSent || !exchange.hasTarget) return this.#done(exchange)
    }
    this.#listen()
  }

  #onDownFree(): void {
    this.#exchange?.resumeTarget()
    this.onProgress()
  }

  #done(exchange: Exchange): void {
    if (!this.reader.isBodyRead) this.isLast = true
    exchange.finish()
    this.#exchange = undefined
    this.#phase = HEAD
    if (this.isLast) return this.#leave(NOTHING)
    this.#wait(this.settings.keepAliveMs)
    this.#next()
  }

  onSwitched(target: Conn): void {
    this.#switched = target
    this.onProgress()
  }

  /** The relay takes over once nothing is under way. */
  #handOver(target: Conn): void {
    if (!this.up.free || !this.down.free) return
    const [{ conn }, { rest }] = [this.session, this.reader]
    this.#switched = undefined
    this.#end()
    conn.attach(undefined)
    conn.pause()
    if (rest !== undefined) conn.unread(rest)
    this.session.relay(conn, target, this.#lanes).then(() => this.#settle(), this.#settle)
  }

  /** Tells the client why, unless it has got some of a response. Where all is in order it may go on. */
  onFailed(error: unknown): void {
    if (this.#phase === OVER) return
    const [exchange, code] = [this.#exchange, codeOf(error)]
    // An interim response may be on its way still, and no answer may stand within it.
    if (exchange?.answering === true || !this.down.free) return this.#break(error)
    const keep = exchange !== undefined && this.reader.isBodyRead && !this.isLast && code !== 'INTERNAL'
    const answer = refusalOf(error, keep, exchange, this.settings)
    exchange?.refuse(error)
    if (keep) return this.onOwnAnswer(answer)
    if (exchange !== undefined) exchange.status = answer.status
    exchange?.cut(error)
    this.#leave(answer.bytes, error as Error)
  }

  /** Of such an answer nothing is counted. */
  onOwnAnswer({ status, bytes }: OwnAnswer): void {
    const exchange = this.#exchange!
    exchange.status = status
    exchange.answering = exchange.answered = true
    this.down.writeInstead(bytes, bytes.length, 0)
    this.onProgress()
  }

  #lost(cause: Error | undefined): void {
    const code = cause === undefined ? 'CLIENT_CLOSED' : 'CLIENT_RESET'
    this.#break(new NetError(code, 'the client left within a request', { cause }))
  }

  /** Neither side may take what it has for all. */
  #break(error: unknown): void {
    this.#exchange?.cut(error)
    this.#end()
    this.session.conn.reset()
    this.#settle(error as Error)
  }

  #stop(error: Error): void {
    this.isLast = true
    if (this.#isWaiting) this.#close(error)
    else this.onFailed(error)
  }

  #onShutdown(): void {
    this.isLast = true
    if (this.#isWaiting) this.#close()
  }

  #close(error?: Error): void {
    this.#end()
    this.#settle(error)
  }

  /** Sees to it that the last words arrive. */
  #leave(words: Uint8Array, error?: Error): void {
    this.#end()
    void refuse(this.session.conn, words).then(() => this.#settle(error))
  }

  #end(): void {
    this.#phase = OVER
    this.#exchange = undefined
    this.settings.deadlines.delete(this)
    this.session.onStop = this.session.onShutdown = undefined
    this.idle.close()
    this.#switched?.reset()
    this.up.clear()
    this.down.clear()
  }
}
