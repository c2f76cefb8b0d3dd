import type { DoorMetrics } from '@sluice/metrics'
import type { Conn } from '@sluice/net'
import type { Directory } from './directory.ts'
import { type Code, type ErrorCode, OUTCOMES } from './errors.ts'
import type { Log } from './log.ts'
import { Session } from './session.ts'

export interface SessionsOptions {
  readonly directory: Directory
  readonly log: Log
  /** From accept to an authenticated request. */
  readonly handshakeMs: number
  /** Nothing passes either way for this long: IDLE_TIMEOUT. */
  readonly idleMs: number
  /** Conns of one address that have not signed in yet. */
  readonly unauthenticatedPerIp: number
  /** An error of ours, with its stack. */
  readonly onInternal: (error: unknown) => void
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
  /** @default Date.now */
  readonly wallNow?: () => number
}

/** All sessions of a program: who waits at the door, who is in, and what ends them from outside. */
export class Sessions {
  readonly options: SessionsOptions
  readonly now: () => number
  readonly wallNow: () => number
  readonly #all = new Set<Session>()
  readonly #waiting = new Map<string, number>()
  #onEmpty: (() => void) | undefined = undefined

  constructor(options: SessionsOptions) {
    this.options = options
    this.now = options.now ?? ((): number => performance.now())
    this.wallNow = options.wallNow ?? Date.now
  }

  get size(): number {
    return this.#all.size
  }

  open(conn: Conn, door: string, metrics: DoorMetrics): Session {
    const session = new Session(conn, door, metrics, this)
    this.#all.add(session)
    this.#waiting.set(session.ip, (this.#waiting.get(session.ip) ?? 0) + 1)
    return session
  }

  /** Whether this address has more conns waiting to sign in than it may. */
  crowded(ip: string): boolean {
    return (this.#waiting.get(ip) ?? 0) > this.options.unauthenticatedPerIp
  }

  /** The session has signed in, or is over before it did. */
  leaveWaiting(ip: string): void {
    const left = this.#waiting.get(ip)! - 1
    if (left > 0) this.#waiting.set(ip, left)
    else this.#waiting.delete(ip)
  }

  close(session: Session): void {
    this.#all.delete(session)
    if (this.#all.size === 0) this.#onEmpty?.()
  }

  /** To be called about once a second: ends who has been idle too long or whose user has expired. */
  sweep(): void {
    const now = this.now()
    for (const session of this.#all) session.sweep(now, this.options.idleMs)
    const wallNow = this.wallNow()
    for (const account of this.options.directory.active) {
      if (account.user.expiresAt !== undefined && account.sessions > 0) account.enforce(wallNow)
    }
  }

  /** Resolves when no session is left. Those still in their handshake end at once, the others when they end. */
  async drained(): Promise<void> {
    for (const session of this.#all) if (session.phase === 'handshake') session.cut('SHUTDOWN')
    if (this.#all.size === 0) return
    await new Promise<void>((resolve) => (this.#onEmpty = resolve))
  }

  cutAll(code: ErrorCode): void {
    for (const session of [...this.#all]) session.cut(code)
  }

  /** The node's limits have changed: lanes that had nothing to wait for may have to, from now on. */
  relimit(): void {
    for (const session of this.#all) session.relimit()
  }

  /** An error of ours that is not the outcome of a session. */
  failed(error: unknown, message: string): void {
    const { log, onInternal } = this.options
    onInternal(error)
    log.error({ err: error }, message)
  }

  /** The line of a session that is over. */
  report(session: Session, code: Code, error: unknown): void {
    const { log, onInternal } = this.options
    const { level } = OUTCOMES[code]
    if (level === 'error') onInternal(error)
    if (!log.isLevelEnabled(level)) return
    const fields = session.fields(code)
    if (level === 'error') log.error({ ...fields, err: error }, 'session.end')
    else log[level](fields, 'session.end')
  }
}
