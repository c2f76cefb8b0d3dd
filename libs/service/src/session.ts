import { type DoorMetrics, Flow } from '@sluice/metrics'
import { type Conn, type ConnSink, type Dial, NetError, Reader, Relay } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Account, Held } from './account.ts'
import type { Directory } from './directory.ts'
import { type Code, codeOf, type ErrorCode, ServiceError } from './errors.ts'
import type { Sessions } from './sessions.ts'
import { UserLane } from './user-lane.ts'

/** What a handshake came to: who wants where, and how to tell them yes or no in the words of their protocol. */
export interface Request {
  readonly account: Account
  readonly target: Address
  /** Tells success; `bound` is our end of the connection to the target. @returns the conn that carries the payload */
  accept(bound: Address): Conn
  /** Tells why not, and ends the conn. Called at most once, and never after `accept`. */
  reject(code: ErrorCode): Promise<void>
}

/**
 * Reads a request. One that fails answers the client itself (see `refuse`) before it throws, since nobody else knows
 * its protocol. Bytes behind the request are left for the relay.
 */
export type Handshake = (reader: Reader, directory: Directory) => Promise<Request>

export interface SessionParts {
  /** As in the `listening` line, the log and the metrics. */
  readonly door: string
  readonly metrics: DoorMetrics
  readonly sessions: Sessions
  readonly dial: Dial
}

/** One connection, from handshake to account. Never throws: the outcome is the code. */
export async function runSession(conn: Conn, handshake: Handshake, parts: SessionParts): Promise<Code> {
  const session = parts.sessions.open(conn, parts.door, parts.metrics)
  let request: Request | undefined
  let target: Conn | undefined
  let code: Code = 'OK'
  let failure: unknown
  try {
    request = await session.handshake(handshake) // who, and where to
    session.admit(request) // whether they may, now; from here on they hold one of their connections
    target = await session.dial(parts.dial, request.target) // past the address policy, within a deadline
    const client = session.accept(request, target) // only now is success told
    await session.relay(client, target) // both ways, until both have ended
  } catch (error) {
    failure = error
    code = codeOf(error)
    await session.reject(request, code) // each protocol has its own words for it
  } finally {
    target?.destroy()
    conn.destroy()
    session.close(code, failure) // one line in the log, one count in the metrics
  }
  return code
}

/**
 * One conn on its way through `runSession`, in the order of its phases, and how to end it from outside. What ends it
 * from outside becomes the error of the phase that it is in, or, where it comes between two, of the next.
 */
export class Session implements Held, ConnSink {
  /** Payload that passed since `sweep` last looked, and in all. */
  readonly flow: Flow = new Flow()
  readonly ip: string
  phase: 'handshake' | 'dial' | 'relay' = 'handshake'
  readonly #conn: Conn
  readonly #door: string
  readonly #metrics: DoorMetrics
  readonly #sessions: Sessions
  readonly #openedAt: number
  #account: Account | undefined = undefined
  #target: Address | undefined = undefined
  #lanes: { up: UserLane; down: UserLane } | undefined = undefined
  #movedAt: number
  /** Why it has to end, once it has to. */
  #over: Error | undefined = undefined
  /** Ends what the present phase waits for. */
  #stop: ((error: Error) => void) | undefined = undefined

  constructor(conn: Conn, door: string, metrics: DoorMetrics, sessions: Sessions) {
    this.#conn = conn
    this.#door = door
    this.#metrics = metrics
    this.#sessions = sessions
    this.#openedAt = this.#movedAt = sessions.now()
    this.ip = conn.remote.host
    metrics.opened()
  }

  /** @throws what the handshake throws; ServiceError UNAUTHENTICATED_LIMIT, before a byte is read */
  async handshake(handshake: Handshake): Promise<Request> {
    const { handshakeMs, directory } = this.#sessions.options
    if (this.#sessions.crowded(this.ip)) throw new ServiceError('UNAUTHENTICATED_LIMIT')
    const reader = new Reader(this.#conn, MAX_HANDSHAKE_BYTES)
    this.#stop = (error): void => reader.fail(error)
    const timer = setTimeout(this.#tooSlow, handshakeMs)
    try {
      const request = await handshake(reader, directory)
      reader.release()
      this.#metrics.handshakeTook(this.#sessions.now() - this.#openedAt)
      return request
    } finally {
      clearTimeout(timer)
    }
  }

  /** @throws ServiceError where the user may not come in, or not now */
  admit({ account, target }: Request): void {
    this.#account = account
    this.#target = target
    this.#goOn()
    account.enter(this, this.#sessions.wallNow())
    this.phase = 'dial'
    this.#sessions.leaveWaiting(this.ip)
    this.#sessions.options.directory.touch(account)
    this.#lanes = {
      up: new UserLane('up', account, this.flow),
      down: new UserLane('down', account, this.flow),
    }
  }

  /** Ends early when the client leaves; what it sends meanwhile waits in the conn. @throws NetError */
  async dial(dial: Dial, target: Address): Promise<Conn> {
    const abort = new AbortController()
    const startedAt = this.#sessions.now()
    this.#stop = (error): void => abort.abort(error)
    this.#conn.attach(this)
    this.#conn.resume()
    try {
      this.#goOn()
      return await dial(target, abort.signal)
    } catch (error) {
      throw abort.signal.aborted ? this.#over : error
    } finally {
      this.#conn.attach(undefined)
      this.#metrics.dialTook(this.#sessions.now() - startedAt)
    }
  }

  accept(request: Request, target: Conn): Conn {
    this.#goOn()
    this.phase = 'relay'
    return request.accept(target.local)
  }

  /** @throws NetError CLIENT_RESET or TARGET_RESET where one end broke off */
  relay(client: Conn, target: Conn): Promise<void> {
    const relay = new Relay(client, target, this.#lanes!)
    this.#stop = (error): void => relay.cut(error)
    return relay.run()
  }

  /** Tells the client why not, unless it was told success already. */
  async reject(request: Request | undefined, code: ErrorCode): Promise<void> {
    if (request === undefined || this.phase === 'relay') return
    try {
      await request.reject(code)
    } catch (error) {
      this.#sessions.failed(error, 'reject.failed')
    }
  }

  close(code: Code, failure: unknown): void {
    if (this.phase === 'handshake') this.#sessions.leaveWaiting(this.ip)
    this.#lanes?.up.close()
    this.#lanes?.down.close()
    this.#account?.leave(this)
    this.#sessions.close(this)
    if (code === 'AUTH_FAILED') this.#metrics.authFailed()
    this.#metrics.relayed(this.flow.drain())
    this.#metrics.ended(code, this.#sessions.now() - this.#openedAt)
    this.#sessions.report(this, code, failure)
  }

  /** The fields of its line in the log. */
  fields(code: Code): Record<string, unknown> {
    const { up, down } = this.flow.read()
    return {
      door: this.#door,
      user: this.#account?.user.name,
      client: endpoint(this.#conn.remote),
      target: this.#target === undefined ? undefined : endpoint(this.#target),
      code,
      up,
      down,
      ms: Math.round(this.#sessions.now() - this.#openedAt),
    }
  }

  /** Ends the session from outside; `code` becomes its outcome. */
  cut(code: ErrorCode): void {
    this.#end(new ServiceError(code))
  }

  /** The limits of the user or of the node have changed. */
  relimit(): void {
    this.#lanes?.up.relimit()
    this.#lanes?.down.relimit()
  }

  /** About once a second: tells the metrics what has moved, and ends a relay in which nothing has for `idleMs`. */
  sweep(now: number, idleMs: number): void {
    const { flow } = this
    if (flow.up + flow.down > 0) {
      this.#metrics.relayed(flow.drain())
      this.#movedAt = now
    } else if (this.phase !== 'relay') this.#movedAt = now
    else if (now - this.#movedAt >= idleMs) this.cut('IDLE_TIMEOUT')
  }

  /** @internal From the conn, during the dial. */
  onData(chunk: Uint8Array): void {
    this.#conn.pause()
    this.#conn.unread(chunk)
  }

  /** @internal A half-close is no reason to give up; the relay will see it. */
  onEnd(): void {}

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onClose(cause: Error | undefined): void {
    this.#end(new NetError('CLIENT_CLOSED', 'the client left during the dial', { cause }))
  }

  #end(error: Error): void {
    if (this.#over !== undefined) return
    this.#over = error
    this.#stop?.(error)
  }

  /** Between two phases nobody waits whom `#stop` could tell. */
  #goOn(): void {
    if (this.#over !== undefined) throw this.#over
  }

  readonly #tooSlow = (): void => {
    this.#end(new NetError('HANDSHAKE_TIMEOUT', 'no complete request came in time'))
  }
}

const MAX_HANDSHAKE_BYTES = 16 * 1024

const endpoint = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
