import { type DoorMetrics, Flow } from '@sluice/metrics'
import { NetError, Reader, readProxyHeader, Relay, startTls } from '@sluice/net'
import type { Conn, ConnSink, Route } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { AccessLog } from './access-log.ts'
import type { Account, Held } from './account.ts'
import { Endable } from './endable.ts'
import { type Code, type ErrorCode, retryMsOf, ServiceError } from './errors.ts'
import { LevelHolds } from './level-holds.ts'
import type { Log } from './log.ts'
import type { DialUse, Handshake, Request, ServedRequest, Serving } from './request.ts'
import type { Place } from './roll.ts'
import type { SessionRecord } from './session-record.ts'
import { MAX_HANDSHAKE_BYTES, type SessionParts } from './session-parts.ts'
import type { Sessions, Tracked } from './sessions.ts'
import { type OwnLanes, SessionLanes, type UserLanes } from './user-lane.ts'

const tooSlow = (): Error => new NetError('HANDSHAKE_TIMEOUT', 'no complete request came in time')

/** One conn on its way through `runSession`, in the order of its phases, and how to end it from outside. */
export class Session extends Endable implements Held, Tracked, ConnSink, Serving {
  held: Place<Held> | undefined = undefined
  tracked: Place<Tracked> | undefined = undefined
  /** Payload that passed since `sweep` last looked, and in all. */
  readonly flow: Flow = new Flow()
  phase: 'handshake' | 'dial' | 'relay' = 'handshake'
  readonly conn: Conn
  client: Address
  onShutdown: (() => void) | undefined = undefined
  readonly #parts: SessionParts
  readonly metrics: DoorMetrics
  readonly #sessions: Sessions
  readonly #openedAt: number
  #request: Request | ServedRequest | undefined = undefined
  #way: Pick<SessionRecord, 'peer' | 'upstream'> = { peer: undefined, upstream: undefined }
  #lanes: SessionLanes | undefined = undefined
  #levels: LevelHolds | undefined = undefined
  /** It waits for its turn to dial. */
  #isQueued = false
  #movedAt: number

  constructor(conn: Conn, parts: SessionParts) {
    super()
    this.conn = conn
    this.client = conn.remote
    this.#parts = parts
    this.metrics = parts.metrics
    this.#sessions = parts.sessions
    this.#openedAt = this.#movedAt = parts.sessions.now()
    parts.metrics.opened()
  }

  get kind(): Held['kind'] {
    return this.#request?.isControl ? 'control' : 'connection'
  }

  get ip(): string {
    return this.client.host
  }

  get door(): string {
    return this.#parts.door
  }

  get log(): Log {
    return this.#sessions.options.log
  }

  get accessLog(): AccessLog | undefined {
    return this.#sessions.options.accessLog
  }

  /** From `admit` on. */
  get account(): Account {
    return this.#request!.account
  }

  get credential(): object | undefined {
    return this.#request?.credential
  }

  /** From `admit` on. */
  get protocol(): string {
    return this.#request!.protocol
  }

  /** From `admit` on. */
  get lanes(): UserLanes {
    return this.#lanes!
  }

  openLanes(...whose: Parameters<Serving['openLanes']>): OwnLanes {
    return this.#lanes!.open(...whose)
  }

  /** @throws what the handshake throws; ServiceError UNAUTHENTICATED_LIMIT, before a byte is read */
  async handshake(handshake: Handshake): Promise<Request | ServedRequest> {
    const { handshakeMs, directory } = this.#sessions.options
    if (this.#sessions.crowded(this.ip)) throw new ServiceError('UNAUTHENTICATED_LIMIT')
    let reader = new Reader(this.conn, MAX_HANDSHAKE_BYTES)
    this.stopBy((error) => reader.fail(error))
    const timer = setTimeout(() => this.end(tooSlow()), handshakeMs)
    try {
      const { balancers, tls, protocols } = this.#parts
      if (balancers?.().has(this.ip)) this.#sessions.comesFrom(this, await readProxyHeader(reader))
      if (tls !== undefined) {
        startTls(reader.release(), tls.context, protocols)
        reader = new Reader(this.conn, MAX_HANDSHAKE_BYTES)
      }
      reader.client = this.client
      const request = await handshake(reader, directory)
      reader.release()
      this.metrics.handshakeTook(this.#sessions.now() - this.#openedAt)
      return request
    } finally {
      clearTimeout(timer)
      this.stopBy(undefined)
    }
  }

  /** @throws ServiceError where the user may not come in, or not now */
  admit(request: Request | ServedRequest): void {
    const { account, levels = this.#parts.levels?.() ?? [] } = request
    this.#request = request
    this.goOn()
    account.enter(this, this.#sessions.wallNow())
    this.#levels = new LevelHolds(levels, this, this.#sessions.wallNow())
    this.phase = 'dial'
    this.#sessions.leaveWaiting(this.ip)
    const { directory } = this.#sessions.options
    directory.touch(account)
    const node = request.inCircuit ? undefined : directory.nodeShare(account)
    this.#lanes = new SessionLanes(account, this.flow, { node, levels })
  }

  /** @throws what `serve` of the request throws, or what has ended the session */
  async serve(request: ServedRequest): Promise<void> {
    this.goOn()
    this.phase = 'relay'
    this.stopBy((error) => this.tellStop(error))
    try {
      await request.serve(this)
    } catch (error) {
      throw this.over ?? error
    } finally {
      this.giveUp(() => new NetError('CLIENT_CLOSED', 'nobody waits for this dial any more'))
    }
    this.goOn()
  }

  /** Dials for a tunnel. Ends early when the client leaves; what it sends meanwhile waits in the conn. @throws NetError, ServiceError */
  async reach({ target, enter }: Request): Promise<Route> {
    this.conn.attach(this)
    this.conn.resume()
    try {
      if (enter === undefined) return await this.dial(target, 'tunnel')
      using _ = await this.#turn(enter)
      return await this.dial(target, 'tunnel')
    } finally {
      this.conn.attach(undefined)
    }
  }

  async #turn(enter: NonNullable<Request['enter']>): Promise<Disposable> {
    this.#isQueued = true
    const onShutdown = (): void => this.cut('SHUTDOWN')
    this.onShutdown = onShutdown
    try {
      return await this.until((signal) => enter(this, signal))
    } finally {
      this.#isQueued = false
      this.onShutdown = undefined
    }
  }

  async dial(target: Address, use: DialUse): Promise<Route> {
    this.goOn()
    const { dial = this.#parts.dial } = this.#request!
    const startedAt = this.#sessions.now()
    try {
      return await this.until((signal) => dial(target, signal, this, use))
    } finally {
      this.metrics.dialTook(this.#sessions.now() - startedAt)
    }
  }

  mayReuse(route: Route, target: Address): boolean {
    return this.#parts.mayReuse(route, target, this)
  }

  accept(request: Request, { conn, upstream }: Route): Conn {
    this.goOn()
    this.phase = 'relay'
    // The address costs a system call.
    this.#way = { upstream, peer: this.accessLog && conn.remote.host }
    return request.accept(conn)
  }

  /** @throws NetError CLIENT_RESET or TARGET_RESET where one end broke off */
  relay(client: Conn, target: Conn, lanes: UserLanes = this.#lanes!): Promise<void> {
    this.goOn()
    const relay = new Relay(client, target, lanes)
    this.stopBy((error) => relay.cut(error))
    return relay.run()
  }

  /** Tells the client why not, unless it was told success already. */
  async reject(
    request: Request | ServedRequest | undefined,
    code: ErrorCode,
    failure: unknown,
  ): Promise<void> {
    if (request === undefined || this.phase === 'relay') return
    try {
      await request.reject(code, retryMsOf(failure))
    } catch (error) {
      this.#sessions.failed(error, 'reject.failed')
    }
  }

  close(code: Code, failure: unknown): void {
    if (this.phase === 'handshake') this.#sessions.leaveWaiting(this.ip)
    this.#lanes?.close()
    this.#request?.account.leave(this)
    this.#levels?.[Symbol.dispose]()
    this.#sessions.close(this)
    this.#request?.onSessionOver?.()
    if (code === 'AUTH_FAILED') this.metrics.authFailed()
    this.#settle()
    this.metrics.ended(code, this.#sessions.now() - this.#openedAt)
    this.#sessions.report(this, code, failure)
  }

  record(code: Code): SessionRecord {
    const { id, account, owner = account, protocol, target, fields: own } = this.#request ?? {}
    const { door, client, phase } = this
    const fields = own === undefined ? this.#parts.fields : { ...this.#parts.fields, ...own }
    const told = { id, door, fields, client, user: owner?.name, protocol, target, ...this.#way }
    const ms = Math.round(this.#sessions.now() - this.#openedAt)
    return { ...told, accepted: phase === 'relay', ms, code, ...this.flow.read() }
  }

  /** Ends the session from outside; `code` becomes its outcome. */
  cut(code: ErrorCode): void {
    this.end(new ServiceError(code))
  }

  /** The program wants to stop: who has not signed in yet goes at once, the others when they end. */
  drain(): void {
    if (this.phase === 'handshake') this.cut('SHUTDOWN')
    else this.onShutdown?.()
  }

  /** The limits of the user or of the node have changed. */
  relimit(): void {
    this.#lanes?.relimit()
  }

  /** About once a second: tells the metrics what has moved, and ends a relay in which nothing has for `idleMs`. */
  sweep(now: number, idleMs: number): void {
    if (this.#settle() || this.phase !== 'relay' || this.#request!.mirrors) this.#movedAt = now
    else if (now - this.#movedAt >= idleMs) this.cut('IDLE_TIMEOUT')
  }

  touch(): void {
    this.#movedAt = this.#sessions.now()
  }

  /** @internal From the conn, during the dial. */
  onData(chunk: Uint8Array): void {
    this.conn.pause()
    this.conn.unread(chunk)
  }

  /** @internal A half-close is no reason to give up a dial; the relay will see it. */
  onEnd(): void {
    if (this.#isQueued) this.end(new NetError('CLIENT_CLOSED', 'the client left before its turn'))
  }

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onClose(cause: Error | undefined): void {
    this.end(new NetError('CLIENT_CLOSED', 'the client left during the dial', { cause }))
  }

  /** Tells metrics and account what has passed. @returns whether anything has */
  #settle(): boolean {
    const { up, down } = this.flow
    if (up + down === 0) return false
    this.flow.drain()
    if (!this.#request!.mirrors) this.metrics.relayed({ up, down })
    this.account.moved(this.ip, up + down)
    return true
  }
}
