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
  /** Tells why not, and ends the conn. Never rejects. */
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
    session.admit(request) // limits, counters
    target = await session.dial(parts.dial, request.target)
    const client = request.accept(target.local) // only now is success told
    request = undefined
    await session.relay(client, target)
  } catch (error) {
    failure = error
    code = session.codeOf(error)
    await request?.reject(code) // each protocol has its own words for it
  } finally {
    target?.destroy()
    conn.destroy()
    session.close(code, failure)
  }
  return code
}

/** What is known of a conn while `runSession` leads it through its phases, and how to end it from outside. */
export class Session implements Held, ConnSink {
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
  #cutCode: ErrorCode | undefined = undefined
  /** Ends the phase that the session is in. */
  #stop: ((error: Error) => void) | undefined = undefined
  #bytes = 0
  #movedAt: number

  constructor(conn: Conn, door: string, metrics: DoorMetrics, sessions: Sessions) {
    this.#conn = conn
    this.#door = door
    this.#metrics = metrics
    this.#sessions = sessions
    this.#openedAt = this.#movedAt = sessions.now()
    this.ip = conn.remote.host
    metrics.opened()
  }

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
    this.#target = target
    const { options, wallNow } = this.#sessions
    this.#account = account
    account.enter(this, wallNow())
    options.directory.touch(account)
    this.#sessions.leaveWaiting(this.ip)
    this.#lanes = {
      up: new UserLane('up', account, this.flow),
      down: new UserLane('down', account, this.flow),
    }
    this.phase = 'dial'
  }

  /** The client's leaving ends the dial too. */
  async dial(dial: Dial, target: Address): Promise<Conn> {
    const abort = new AbortController()
    const startedAt = this.#sessions.now()
    this.#stop = (error): void => abort.abort(error)
    this.#conn.attach(this)
    this.#conn.resume()
    try {
      return await dial(target, abort.signal)
    } finally {
      this.#conn.attach(undefined)
      this.#metrics.dialTook(this.#sessions.now() - startedAt)
    }
  }

  async relay(client: Conn, target: Conn): Promise<void> {
    const relay = new Relay(client, target, this.#lanes!)
    this.phase = 'relay'
    this.#stop = (error): void => relay.cut(error)
    const running = relay.run()
    if (this.#cutCode !== undefined) relay.cut(new ServiceError(this.#cutCode))
    await running
  }

  /** Ends the session from outside; `code` becomes its outcome. */
  cut(code: ErrorCode): void {
    if (this.#cutCode !== undefined) return
    this.#cutCode = code
    this.#stop?.(new ServiceError(code))
  }

  relimit(): void {
    this.#lanes?.up.relimit()
    this.#lanes?.down.relimit()
  }

  cutIfIdle(now: number, idleMs: number): void {
    const bytes = this.flow.up + this.flow.down
    if (bytes !== this.#bytes || this.phase !== 'relay') {
      this.#bytes = bytes
      this.#movedAt = now
    } else if (now - this.#movedAt >= idleMs) this.cut('IDLE_TIMEOUT')
  }

  /** A session that was cut ends with that code, whatever broke because of it. */
  codeOf(error: unknown): ErrorCode {
    return this.#cutCode ?? codeOf(error)
  }

  close(code: Code, failure: unknown): void {
    if (this.phase === 'handshake') this.#sessions.leaveWaiting(this.ip)
    this.#lanes?.up.close()
    this.#lanes?.down.close()
    this.#account?.leave(this)
    this.#sessions.close(this)
    if (code === 'AUTH_FAILED') this.#metrics.authFailed()
    this.#metrics.relayed(this.flow)
    this.#metrics.ended(code, this.#sessions.now() - this.#openedAt)
    this.#sessions.report(this, code, failure)
  }

  /** The fields of its line in the log. */
  fields(code: Code): Record<string, unknown> {
    return {
      door: this.#door,
      user: this.#account?.user.name,
      client: endpoint(this.#conn.remote),
      target: this.#target === undefined ? undefined : endpoint(this.#target),
      code,
      up: this.flow.up,
      down: this.flow.down,
      ms: Math.round(this.#sessions.now() - this.#openedAt),
    }
  }

  /** What the client sends during the dial waits in the conn. */
  onData(chunk: Uint8Array): void {
    this.#conn.pause()
    this.#conn.unread(chunk)
  }

  /** A half-close is no reason to give up; the relay will see it. */
  onEnd(): void {}

  onDrain(): void {}

  onClose(cause: Error | undefined): void {
    this.#stop?.(new NetError('CLIENT_CLOSED', 'the client left during the dial', { cause }))
  }

  readonly #tooSlow = (): void => {
    this.#stop?.(new NetError('HANDSHAKE_TIMEOUT', 'no complete request came in time'))
  }
}

const MAX_HANDSHAKE_BYTES = 16 * 1024

const endpoint = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
