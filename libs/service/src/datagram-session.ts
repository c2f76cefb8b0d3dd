import { Flow } from '@sluice/metrics'
import type { Address } from '@sluice/wire'
import type { Account, Held } from './account.ts'
import { codeOf, type ErrorCode, ServiceError } from './errors.ts'
import { LevelHolds, type Levels } from './level-holds.ts'
import type { Log } from './log.ts'
import type { Caller } from './request.ts'
import type { Place } from './roll.ts'
import type { SessionParts } from './session-parts.ts'
import type { SessionRecord } from './session-record.ts'
import type { Sessions, Tracked } from './sessions.ts'
import { type UserLanes, userLanes } from './user-lane.ts'

/** What the associations of one listener share. */
export type DatagramParts = Pick<SessionParts, 'door' | 'fields' | 'metrics' | 'sessions' | 'levels'>

/** Whose datagrams they are, once that is certain. */
export interface DatagramOrigin {
  readonly account: Account
  readonly client: Address
  /** As in the log and in rules. */
  readonly protocol: string
  /** By what they came in, where a user may have several such, or change it; whoever knows that it is void cuts it. */
  readonly credential?: object | undefined
}

/** Of a program that wants to stop: an association in which nothing has passed for so long ends. */
const QUIET_MS = 1000

/**
 * The session of an association that no connection stands for: admitted, limited, counted, cut and told as any other. How
 * long it may be idle is the association's to say.
 */
export class DatagramSession implements Held, Tracked, Caller {
  readonly kind = 'association'
  held: Place<Held> | undefined = undefined
  tracked: Place<Tracked> | undefined = undefined
  /** Payload that passed since `sweep` last looked, and in all. */
  readonly flow: Flow = new Flow()
  readonly account: Account
  readonly protocol: string
  readonly credential: object | undefined
  readonly lanes: UserLanes
  /** Told once, when it is over for whatever reason: whoever opened it closes what belongs to it, and forgets it. */
  onEnd: (() => void) | undefined = undefined
  readonly #parts: DatagramParts
  readonly #openedAt: number
  #movedAt: number
  #client: Address
  #draining = false
  #isOver = false
  readonly #levels: Levels
  #holds: LevelHolds | undefined = undefined

  /** @throws ServiceError where the user may not come in, or not now; nothing is left of it then, nor told */
  static open(parts: DatagramParts, origin: DatagramOrigin): DatagramSession {
    const { sessions, metrics } = parts
    const { account } = origin
    if (sessions.isDraining) throw new ServiceError('SHUTDOWN')
    const session = new DatagramSession(parts, origin)
    account.enter(session, sessions.wallNow())
    try {
      session.#holds = new LevelHolds(session.#levels, session, sessions.wallNow())
    } catch (error) {
      account.leave(session)
      throw error
    }
    sessions.options.directory.touch(account)
    sessions.add(session)
    metrics.opened()
    return session
  }

  private constructor(parts: DatagramParts, origin: DatagramOrigin) {
    const { account, client, protocol, credential } = origin
    this.#parts = parts
    this.account = account
    this.protocol = protocol
    this.credential = credential
    this.#client = client
    this.#openedAt = this.#movedAt = parts.sessions.now()
    this.#levels = parts.levels?.() ?? []
    const node = parts.sessions.options.directory.nodeShare(account)
    this.lanes = userLanes(account, this.flow, { node, levels: this.#levels })
  }

  get door(): string {
    return this.#parts.door
  }

  get metrics(): DatagramParts['metrics'] {
    return this.#parts.metrics
  }

  get log(): Log {
    return this.#sessions.options.log
  }

  get ip(): string {
    return this.#client.host
  }

  get client(): Address {
    return this.#client
  }

  /** Where it may not go on from there, it ends with IP_LIMIT. To be set only when it is certain that it is the client. */
  set client(client: Address) {
    if (this.#isOver) return
    const { host } = this.#client
    if (client.host === host || this.account.roam(host, client.host)) this.#client = client
    else this.cut('IP_LIMIT')
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends it; the outcome is the code of `failure`, or OK. */
  close(failure?: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.onEnd?.()
    const { account, metrics, lanes } = this
    lanes.up.close()
    lanes.down.close()
    account.leave(this)
    this.#holds?.[Symbol.dispose]()
    this.#sessions.close(this)
    this.#settle()
    const code = failure === undefined ? 'OK' : codeOf(failure)
    metrics.ended(code, this.#sessions.now() - this.#openedAt)
    this.#sessions.report(this, code, failure)
  }

  cut(code: ErrorCode): void {
    this.close(new ServiceError(code))
  }

  drain(): void {
    this.#draining = true
    this.sweep(this.#sessions.now())
  }

  relimit(): void {
    this.lanes.up.relimit()
    this.lanes.down.relimit()
  }

  sweep(now: number): void {
    if (this.#settle()) this.#movedAt = now
    else if (this.#draining && now - this.#movedAt >= QUIET_MS) this.cut('SHUTDOWN')
  }

  record(code: SessionRecord['code']): SessionRecord {
    return {
      door: this.door,
      fields: this.#parts.fields,
      client: this.#client,
      user: this.account.name,
      protocol: this.protocol,
      target: undefined,
      peer: undefined,
      upstream: undefined,
      accepted: true,
      ms: Math.round(this.#sessions.now() - this.#openedAt),
      code,
      ...this.flow.read(),
    }
  }

  get #sessions(): Sessions {
    return this.#parts.sessions
  }

  /** Tells metrics and account what has passed. @returns whether anything has */
  #settle(): boolean {
    const { up, down } = this.flow
    if (up + down === 0) return false
    this.metrics.relayed(this.flow.drain())
    this.account.moved(this.ip, up + down)
    return true
  }
}
