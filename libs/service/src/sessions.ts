import type { Conn } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { ruleOf } from './access/access.ts'
import type { AccessLog } from './access-log.ts'
import { clientNetwork } from './client-network.ts'
import type { Directory } from './directory.ts'
import { type Code, type ErrorCode, OUTCOMES, requestIdOf, ServiceError } from './errors.ts'
import type { Log } from './log.ts'
import { type Place, Roll } from './roll.ts'
import { accessEntry, logFields, type SessionRecord } from './session-record.ts'
import { Session } from './session-phases.ts'
import type { SessionParts } from './session-parts.ts'

/** What sessions that have not come to an end are held to. */
export interface SessionLimits {
  /** From accept to an authenticated request. */
  readonly handshakeMs: number
  /** Nothing passes either way for this long: IDLE_TIMEOUT. */
  readonly idleMs: number
  /** Conns of one client network, an IPv4 address or an IPv6 /64, that have not signed in yet. */
  readonly unauthenticatedPerIp: number
  /** Those of all client networks together. @default any number */
  readonly unauthenticated?: number | undefined
}

export interface SessionsOptions extends SessionLimits {
  readonly directory: Directory
  readonly log: Log
  readonly accessLog?: AccessLog | undefined
  /** An error of ours, with its stack. */
  readonly onInternal: (error: unknown) => void
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
  /** @default Date.now */
  readonly wallNow?: () => number
}

/** A session that runs, on a conn or of an association. */
export interface Tracked {
  /** Of `Sessions`, while it runs. */
  tracked?: Place<Tracked> | undefined
  /** Ends it from outside; `code` becomes its outcome. */
  cut(code: ErrorCode): void
  /** The program wants to stop. */
  drain(): void
  /** The limits of the node have changed. */
  relimit(): void
  /** About once a second. @param now monotonic, ms @param idleMs of sessions on conns */
  sweep(now: number, idleMs: number): void
  record(code: Code): SessionRecord
}

/** All sessions of a program: who waits at the door, who is in, and what ends them from outside. */
export class Sessions {
  options: SessionsOptions
  /** Whether a door lets in who does not sign in. Then nobody can be told from those who have yet to. */
  isOpen: () => boolean = () => false
  readonly now: () => number
  readonly wallNow: () => number
  readonly #running = new Roll<Tracked>()
  /** By client network. */
  readonly #waiting = new Map<string, number>()
  #waitingInAll = 0
  #onEmpty: (() => void) | undefined = undefined
  #isDraining = false

  constructor(options: SessionsOptions) {
    this.options = options
    this.now = options.now ?? ((): number => performance.now())
    this.wallNow = options.wallNow ?? Date.now
  }

  /** A handshake that is under way keeps its deadline. */
  setLimits({ handshakeMs, idleMs, unauthenticatedPerIp, unauthenticated }: SessionLimits): void {
    this.options = { ...this.options, handshakeMs, idleMs, unauthenticatedPerIp, unauthenticated }
  }

  get size(): number {
    return this.#running.size
  }

  /** The program wants to stop, and nobody comes in any more. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  open(conn: Conn, parts: SessionParts): Session {
    const session = new Session(conn, parts)
    this.add(session)
    this.#enterWaiting(session.ip)
    return session
  }

  /** One that has been admitted already. */
  add(session: Tracked): void {
    session.tracked = this.#running.add(session)
  }

  /** Whether the client network of this address, or all together, have more conns waiting to sign in than they may. */
  crowded(ip: string): boolean {
    if (this.isOpen()) return false
    const { unauthenticated = Infinity } = this.options
    return (
      this.#waitingInAll > unauthenticated ||
      (this.#waiting.get(clientNetwork(ip)) ?? 0) > this.options.unauthenticatedPerIp
    )
  }

  /**
   * A balancer speaks for this client, whom the session counts for from now on; undefined where it speaks for itself.
   * @throws ServiceError UNAUTHENTICATED_LIMIT
   */
  comesFrom(session: Session, client: Address | undefined): void {
    if (client === undefined) return
    this.leaveWaiting(session.ip)
    session.client = client
    this.#enterWaiting(session.ip)
    if (this.crowded(session.ip)) throw new ServiceError('UNAUTHENTICATED_LIMIT')
  }

  /** The session has signed in, or is over before it did. */
  leaveWaiting(ip: string): void {
    const network = clientNetwork(ip)
    const left = this.#waiting.get(network)! - 1
    this.#waitingInAll -= 1
    if (left > 0) this.#waiting.set(network, left)
    else this.#waiting.delete(network)
  }

  close(session: Tracked): void {
    if (session.tracked === undefined) return
    this.#running.delete(session.tracked)
    session.tracked = undefined
    if (this.#running.size === 0) this.#onEmpty?.()
  }

  /** To be called about once a second: ends who has been idle too long or whose user has expired. */
  sweep(): void {
    const now = this.now()
    for (const session of this.#running.all()) session.sweep(now, this.options.idleMs)
    const wallNow = this.wallNow()
    for (const account of this.options.directory.active) {
      if (account.user.expiresAt !== undefined && account.sessions > 0) account.enforce(wallNow)
    }
  }

  /** Resolves when no session is left. Those still in their handshake end at once, the others when they end. */
  async drained(): Promise<void> {
    this.#isDraining = true
    for (const session of this.#running.all()) session.drain()
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => (this.#onEmpty = resolve))
  }

  cutAll(code: ErrorCode): void {
    for (const session of this.#running.all()) session.cut(code)
  }

  /** The node's limits have changed: lanes that had nothing to wait for may have to, from now on. */
  relimit(): void {
    for (const session of this.#running.all()) session.relimit()
  }

  /** An error of ours that is not the outcome of a session. */
  failed(error: unknown, message: string): void {
    const { log, onInternal } = this.options
    onInternal(error)
    log.error({ err: error }, message)
  }

  /** The line of a session that is over. Ordinary ones go to the access log, where there is one. */
  report(session: Tracked, code: Code, error: unknown): void {
    const { log, accessLog, onInternal } = this.options
    const { level } = OUTCOMES[code]
    if (level === 'error') onInternal(error)
    const told = requestIdOf(error)
    const record = told === undefined ? session.record(code) : { ...session.record(code), id: told }
    if (accessLog !== undefined) {
      const entry = accessEntry(record, this.wallNow())
      if (entry !== undefined) accessLog.write(entry)
    }
    if (!log.isLevelEnabled(level) || (accessLog !== undefined && level === 'info')) return
    const fields = logFields(record)
    fields['rule'] = ruleOf(error)
    if (level === 'error') log.error({ ...fields, err: error }, 'session.end')
    else log[level](fields, 'session.end')
  }

  #enterWaiting(ip: string): void {
    this.#waitingInAll += 1
    const network = clientNetwork(ip)
    this.#waiting.set(network, (this.#waiting.get(network) ?? 0) + 1)
  }
}
