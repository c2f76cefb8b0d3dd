import { type Bytes, Flow } from '@sluice/metrics'
import { Quota, type Share, type Shaper } from '@sluice/ratelimit'
import type { Used, User } from '@sluice/userstore'
import { clientNetwork } from './client-network.ts'
import { type DeviceRules, Devices } from './devices.ts'
import { type ErrorCode, ServiceError } from './errors.ts'
import { type Place, Roll } from './roll.ts'
import { type ShareDefaults, shareLimits } from './share-limits.ts'

/** What an account needs of the sessions that it holds. */
export interface Held {
  /**
   * Each kind has a limit of its own. None holds for `control`, over which others come to the user, and neither does a quota or
   * a limit of addresses: it ends with the user's leave to be here.
   */
  readonly kind: 'connection' | 'association' | 'control'
  readonly ip: string
  /** By what it came in, where that is known; see {@link Account.cut}. */
  readonly credential?: object | undefined
  /** The account's own, while it holds the session. */
  held?: Place<Held> | undefined
  cut(code: ErrorCode): void
  /** The limits of the account have changed. */
  relimit(): void
}

/** What holds for users who have nothing of their own. */
export interface AccountDefaults extends ShareDefaults {
  readonly connections?: number | undefined
  /** Associations without a connection; nobody has a limit of their own. */
  readonly associations?: number | undefined
}

/** The ledger is told early when this much has been counted since it last looked. */
const ATTENTION_BYTES = 64 * 1024 * 1024
/** … or when a quota is used up to this part. */
const QUOTA_ATTENTION = 0.95
/** What is told to who may not come in. */
const REFUSALS = { disabled: 'USER_DISABLED', expired: 'USER_EXPIRED', quota: 'QUOTA_EXCEEDED' } as const
/** What is told to the one too many. */
const FULL = { connection: 'CONNECTION_LIMIT', association: 'ASSOCIATION_LIMIT' } as const
/** A quota that is used up is no reason to be gone when the next period begins. */
const concerns = (code: ErrorCode, { kind }: Held): boolean => kind !== 'control' || code !== 'QUOTA_EXCEEDED'
const DEVICE_RULES: DeviceRules = { bytes: 0, ttlMs: 0, now: () => performance.now() }

/** A user while the program runs: their share of the bandwidth, their quota, and the sessions that they have. */
export class Account {
  /** Bytes that the ledger has not taken yet. */
  readonly flow: Flow = new Flow()
  readonly quota: Quota = new Quota(Infinity)
  readonly share: Share
  removed = false
  /** Bytes on their way to the store: nobody knows whether it has booked them yet. */
  pendingBytes = 0
  /** In the order in which they came. */
  readonly #sessions = new Roll<Held>()
  readonly #count = { connection: 0, association: 0, control: 0 }
  readonly #devices: Devices
  #defaults: AccountDefaults
  readonly #onAttention: () => void
  #user: User
  /** Booked in the present period, as far as is known. */
  #usedBytes = 0
  /** Counts down with each byte; at 0 `onAttention` is due. */
  #attention = ATTENTION_BYTES

  constructor(
    user: User,
    shaper: Shaper,
    defaults: AccountDefaults,
    onAttention: () => void,
    deviceRules: DeviceRules = DEVICE_RULES,
  ) {
    this.#user = user
    this.#devices = new Devices(deviceRules)
    this.#defaults = defaults
    this.#onAttention = onAttention
    this.share = shaper.user(user.id, shareLimits(user.limits, defaults))
    this.#settleQuota()
  }

  get user(): User {
    return this.#user
  }

  /** None of who is nobody's user. */
  get name(): string | undefined {
    return this.#user.name || undefined
  }

  /** Of every kind. */
  get sessions(): number {
    return this.#sessions.size
  }

  get connections(): number {
    return this.#count.connection
  }

  /** Those without a connection. */
  get associations(): number {
    return this.#count.association
  }

  /** Client addresses that the user is here from, IPv6 by its /64. */
  get ips(): number {
    return this.#devices.present
  }

  /** Of the clients that are here, each once. */
  get addresses(): string[] {
    return [...new Set(Array.from(this.#sessions.all(), ({ ip }) => ip))]
  }

  /** Nobody is here, and nothing is remembered of who was. */
  get isIdle(): boolean {
    return this.#sessions.size === 0 && this.#devices.isEmpty
  }

  /** Bytes of the present period, booked or not. */
  get used(): number {
    return this.#usedBytes + this.pendingBytes + this.flow.up + this.flow.down
  }

  /** Whether the user is here from this address now. */
  isAt(ip: string): boolean {
    return this.#devices.isPresent(ip)
  }

  /** `active`, or why nobody can come in as this user. */
  state(now: number): 'active' | 'disabled' | 'expired' | 'quota' {
    if (!this.#user.enabled || this.removed) return 'disabled'
    if (this.#user.expiresAt !== undefined && this.#user.expiresAt <= now) return 'expired'
    return this.quota.remaining <= 0 ? 'quota' : 'active'
  }

  /** @throws ServiceError with the code of what stands in the way */
  enter(session: Held, now: number): void {
    const code = this.#refusal(now) ?? this.#full(session)
    if (code !== undefined && concerns(code, session)) throw new ServiceError(code)
    session.held = this.#sessions.add(session)
    this.#count[session.kind] += 1
    if (session.kind !== 'control') this.#devices.enter(session.ip)
  }

  leave(session: Held): void {
    if (session.held === undefined) return
    this.#sessions.delete(session.held)
    session.held = undefined
    this.#count[session.kind] -= 1
    if (session.kind !== 'control') this.#devices.leave(session.ip)
  }

  /** A session from there has moved payload, or had when it ended: told now and then. */
  moved(ip: string, bytes: number): void {
    if (this.#devices.moved(ip, bytes, this.#most.ips)) return
    const network = clientNetwork(ip)
    for (const session of this.#sessions.all()) {
      if (session.kind !== 'control' && clientNetwork(session.ip) === network) session.cut('IP_LIMIT')
    }
  }

  /** A session goes on from another address. @returns whether it may */
  roam(from: string, to: string): boolean {
    return this.#devices.roam(from, to, this.#most.ips)
  }

  /** Client addresses that were here since this was last asked, 64 at most. */
  takeSeen(): string[] {
    return this.#devices.takeSeen()
  }

  /** Counts a chunk towards the ledger and the quota. */
  count(direction: 'up' | 'down', bytes: number): void {
    if (direction === 'up') this.flow.up += bytes
    else this.flow.down += bytes
    if (this.quota.remaining !== Infinity) this.quota.takeUpTo(bytes)
    this.#attention -= bytes
    if (this.#attention <= 0) this.#onAttention()
  }

  /** The user as the store has it now; holds for running sessions at once. */
  update(user: User, now: number): void {
    this.#user = user
    this.share.set(shareLimits(user.limits, this.#defaults))
    this.#settleQuota()
    // Last: a lane that had no limiter looks at rates and quota.
    for (const session of this.#sessions.all()) session.relimit()
    this.enforce(now)
  }

  /** Limits of users without any of their own; holds for running sessions at once. */
  setDefaults(defaults: AccountDefaults): void {
    this.#defaults = defaults
    this.share.set(shareLimits(this.#user.limits, defaults))
    for (const session of this.#sessions.all()) session.relimit()
    this.#trim()
  }

  /**
   * What all nodes have booked in the present period. While bytes of ours are on their way it may have them already:
   * then no more is believed than what is certain, so nobody is cut too early; the answer to the batch tells the rest.
   */
  setUsed({ up, down }: Used): void {
    const booked = up + down
    const { pendingBytes } = this
    this.#usedBytes = pendingBytes === 0 ? booked : Math.max(this.#usedBytes, booked - pendingBytes)
    this.#settleQuota()
  }

  /** Hands what was counted to the ledger, which has to say when it is `booked`. Only when nothing is pending. */
  drain(): Bytes {
    const bytes = this.flow.drain()
    this.pendingBytes = bytes.up + bytes.down
    this.#rest()
    return bytes
  }

  /** The store has what was pending. */
  booked(): void {
    this.#usedBytes += this.pendingBytes
    this.pendingBytes = 0
  }

  /** Cuts what may not go on: all sessions of a user who may not be here, or those beyond a limit, newest first. */
  enforce(now: number): void {
    const code = this.#refusal(now)
    if (code !== undefined) this.cut(code)
    this.#trim()
  }

  /** @param credential those alone that came in by it */
  cut(code: ErrorCode, credential?: object): void {
    for (const session of this.#sessions.all()) {
      const isMeant = credential === undefined || session.credential === credential
      if (isMeant && concerns(code, session)) session.cut(code)
    }
  }

  #refusal(now: number): ErrorCode | undefined {
    const state = this.state(now)
    if (this.removed) return 'USER_REMOVED'
    return state === 'active' ? undefined : REFUSALS[state]
  }

  get #most(): { connection: number; association: number; ips: number } {
    const { connections, ips = Infinity } = this.#user.limits
    const { connections: usual = Infinity, associations: association = Infinity } = this.#defaults
    return { connection: connections ?? usual, association, ips }
  }

  #full({ kind, ip }: Held): ErrorCode | undefined {
    if (kind === 'control') return undefined
    const most = this.#most
    if (this.#count[kind] >= most[kind]) return FULL[kind]
    return this.#devices.admits(ip, most.ips) ? undefined : 'IP_LIMIT'
  }

  #trim(): void {
    const most = this.#most
    const excess = this.#devices.excess(most.ips)
    const kept = { connection: 0, association: 0 }
    for (const session of this.#sessions.all()) {
      const { kind, ip } = session
      if (kind === 'control') continue
      if (kept[kind] >= most[kind]) session.cut(FULL[kind])
      else if (excess.size > 0 && excess.has(clientNetwork(ip))) session.cut('IP_LIMIT')
      else kept[kind] += 1
    }
  }

  #settleQuota(): void {
    const { quotaBytes } = this.#user.limits
    // Not from within the count of a chunk, whose relay is in the middle of its work. And whatever the quota has become
    // by then, since lanes that got nothing of it wait for no grant.
    if (quotaBytes !== undefined)
      this.quota.onSpent ??= (): void => queueMicrotask(() => this.cut('QUOTA_EXCEEDED'))
    this.quota.set(quotaBytes === undefined ? Infinity : quotaBytes - this.used)
    this.#rest()
  }

  /** Attention is next due after 64 MiB, or at 95 % of the quota where that is ahead and nearer. */
  #rest(): void {
    const { quotaBytes } = this.#user.limits
    const ahead = quotaBytes === undefined ? 0 : this.quota.remaining - quotaBytes * (1 - QUOTA_ATTENTION)
    this.#attention = ahead > 0 ? Math.min(ATTENTION_BYTES, ahead) : ATTENTION_BYTES
  }
}
