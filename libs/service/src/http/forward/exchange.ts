import { type ForwardedRequest, type ForwardedResponse, type ResponseHead, UNTIL_CLOSE } from '@sluice/wire'
import { ruleOf } from '../../access/access.ts'
import type { Account } from '../../account.ts'
import { type Code, codeOf, type ErrorCode } from '../../errors.ts'
import type { ExchangeHost } from './exchange-host.ts'
import { type Answering, ForwardTarget } from './forward-target.ts'
import { PauseWatch } from './pause-watch.ts'
import type { ReadRequest } from './read-request.ts'
import type { DoneRequest, Enter } from './settings.ts'
import { Turn } from './turn.ts'

/** A request that cannot be repeated gets no conn that has been idle for longer: its target may be closing it. */
const FRESH_MS = 5000
/** A body has to bring as much in each window. */
const MIN_BODY_BYTES = 1024

const IDEMPOTENT: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'TRACE'])

/** One request on its way to a target, and the response on its way back. */
export class Exchange implements Answering, DoneRequest {
  request: ForwardedRequest
  readonly startedAt: number
  /** What everybody calls it, where it has a name. */
  readonly id: string | undefined
  /** In all, once it is over. */
  ms = 0
  waitedMs: number | undefined = undefined
  /** Bytes on the client's side, heads included. */
  up = 0
  down = 0
  /** Of the response, once its head has come. */
  status = 0
  /** Of the response. */
  fields: ResponseHead['fields'] = []
  /** The address that was asked, where the access log wants to know. */
  peer: string | undefined = undefined
  /** The upstream that led there, where there was one. */
  upstream: string | undefined = undefined
  code: Code = 'OK'
  /** Which rule has denied it. */
  rule: unknown = undefined
  /** The client has got some of the response. */
  answering = false
  /** `down` has all of it. */
  answered = false
  readonly #host: ExchangeHost
  readonly #read: ReadRequest
  /** Of the request's head, as it came. */
  readonly #size: number
  /** Of its target; see {@link IdleTargets}. */
  #key: string
  #target: ForwardTarget | undefined = undefined
  #turn: Turn | undefined = undefined
  #watch: PauseWatch | undefined = undefined
  #isRetry = false
  /** Of `up`, when it was last asked whether this is too slow. */
  #mark = 0
  #isOver = false

  constructor(host: ExchangeHost, request: ReadRequest, size: number) {
    const { settings, session } = host
    this.#host = host
    this.#read = request
    this.#size = size
    this.#key = request.authority
    this.startedAt = settings.deadlines.now()
    this.id = settings.requestId?.()
    this.request = settings.prepare?.(request, this.id, session) ?? request
  }

  /** Whose it is, for the log. */
  get owner(): Account {
    return this.#read.owner ?? this.#host.session.account
  }

  /** There is a target that may take the rest of the request. */
  get hasTarget(): boolean {
    return this.#target !== undefined
  }

  /** Why it goes to no target. */
  get refusal(): ErrorCode | undefined {
    const { looped, maxForwards, method } = this.request
    if (looped) return 'LOOP_DETECTED'
    return maxForwards === 0 && method === 'TRACE' ? 'METHOD_UNSUPPORTED' : undefined
  }

  /** It waits for its turn. */
  get isQueued(): boolean {
    return this.#turn?.isWaiting === true
  }

  /** Finds its way, waits for its turn where it has to, finds a conn to the target, and sends what there is of the request. */
  start(): void {
    const { enter } = this.#host.settings
    if (this.#read.pass !== undefined) void this.#pass()
    else if (enter === undefined) this.#reach()
    else void this.#enter(enter)
  }

  async #pass(): Promise<void> {
    const host = this.#host
    try {
      const passage = await this.#read.pass!(host.reader.isBodyRead && !host.isLast)
      if (this.#isOver) return
      if ('bytes' in passage) return host.onOwnAnswer(passage)
      this.request = passage.request
      this.#key = passage.key
      host.onLanes(passage.lanes)
      this.#reach()
    } catch (error) {
      if (!this.#isOver) host.onFailed(error)
    }
  }

  async #enter(enter: Enter): Promise<void> {
    const host = this.#host
    const { pauseMs } = host.settings
    const turn = (this.#turn = new Turn())
    try {
      const isTurn = await turn.wait(enter, host.session, this.#size)
      if (!isTurn) return
      this.waitedMs = this.#age
      if (pauseMs !== undefined) this.#watch = new PauseWatch(this, host, pauseMs)
      this.#reach()
    } catch (error) {
      if (!this.#isOver) this.#host.onFailed(error)
    }
  }

  #reach(): void {
    const { idle } = this.#host
    const since = this.#mayRepeat ? -Infinity : this.startedAt + (this.waitedMs ?? 0) - FRESH_MS
    const target = this.#fresh(idle.take(this.#key, since))
    if (target === undefined) void this.#dial()
    else this.#send(target)
  }

  /** Rules are asked about each request, and may say something else now. */
  #fresh(target: ForwardTarget | undefined): ForwardTarget | undefined {
    if (target === undefined || this.#host.session.mayReuse(target.route, this.request.address)) return target
    target.drop()
    return undefined
  }

  /** To be asked once in a while, while the client sends the body: whether it has sent too little of it since. */
  isTooSlow(): boolean {
    const sent = this.up - this.#mark
    this.#mark = this.up
    // While the target or a limit holds it back, it is not the client that is slow.
    return sent < MIN_BODY_BYTES && this.#host.up.free
  }

  /** It is over; its target is kept where it may be used again. */
  finish(): void {
    const { idle, settings } = this.#host
    const target = this.#target
    this.#target = undefined
    if (target?.rest(settings.deadlines.now()) === true) idle.put(target)
    else target?.drop()
    this.#report()
  }

  leaveTurn(): void {
    this.#turn?.letGo(undefined)
  }

  /** It is answered from here. */
  refuse(error: unknown): void {
    this.#failed(error)
    this.dropTarget()
    this.#turn?.letGo(error)
  }

  /** It is given up. */
  cut(error: unknown): void {
    this.#failed(error)
    this.dropTarget()
    this.#report(error)
  }

  #failed(error: unknown): void {
    this.code = codeOf(error)
    this.rule = ruleOf(error)
  }

  dropTarget(): void {
    const target = this.#target
    this.#target = undefined
    target?.drop()
    this.#host.up.clear()
  }

  /** The client takes more of the response again. */
  resumeTarget(): void {
    this.#target?.conn.resume()
  }

  takesInterim(): boolean {
    return this.request.version === '1.1'
  }

  closesAfter({ body, close }: ForwardedResponse): boolean {
    const host = this.#host
    // A target that answers early and closes will not take the rest of the request.
    if (body === UNTIL_CLOSE || (close && !host.reader.isBodyRead)) host.isLast = true
    return host.isLast
  }

  onAnswered(): void {
    this.answered = true
    this.#host.onProgress()
  }

  onSwitched(): void {
    const { conn } = this.#target!
    this.#target = undefined
    this.#host.onSwitched(conn)
    this.#report()
  }

  onTargetDrain(): void {
    this.#host.up.onDrain()
  }

  onTargetGone(): void {
    this.dropTarget()
    this.#host.onProgress()
  }

  onTargetFailed(error: Error, mayBeStale: boolean): void {
    const mayRetry = mayBeStale && !this.#isRetry && this.#mayRepeat && this.#host.up.free
    this.dropTarget()
    if (!mayRetry) return this.#host.onFailed(error)
    this.#isRetry = true
    void this.#dial()
  }

  /** Sent again it does what it did the first time (RFC 9110 §9.2.2), and none of its body is gone. */
  get #mayRepeat(): boolean {
    return !this.answering && this.up <= this.#size && IDEMPOTENT.has(this.request.method)
  }

  async #dial(): Promise<void> {
    this.#host.onDialling()
    try {
      const route = await this.#host.session.dial(this.request.address, 'http')
      const target = new ForwardTarget(route, this.#key, this.#host)
      if (this.#isOver) target.drop()
      else this.#send(target)
    } catch (error) {
      if (!this.#isOver) this.#host.onFailed(error)
    }
  }

  #send(target: ForwardTarget): void {
    const { up } = this.#host
    this.#target = target
    this.upstream = target.route.upstream
    // Costs a system call.
    if (this.#host.session.accessLog !== undefined) this.peer = target.conn.remote.host
    up.to = target.conn
    const head = Buffer.from(target.headOf(this.request), 'latin1')
    const body = this.#host.reader.takeBody()
    const weight = this.#isRetry ? 0 : this.#size
    this.up += weight + body.length
    const message = body.length === 0 ? head : Buffer.concat([head, body])
    up.writeInstead(message, head.length, weight)
    this.#host.onSent()
    // Last: there may be an answer, of a sort, already.
    target.begin(this)
  }

  get #age(): number {
    return Math.round(this.#host.settings.deadlines.now() - this.startedAt)
  }

  #report(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.ms = this.#age
    if (this.#turn !== undefined) this.waitedMs ??= this.ms
    this.#turn?.letGo(error)
    this.#watch?.end()
    const { session, settings, log } = this.#host
    session.metrics.served(this.code, this.ms)
    log.write(this)
    this.#read.onDone?.(this.status)
    settings.onDone?.(this, session)
  }
}
