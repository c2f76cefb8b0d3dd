import { type Address, encodeBasic } from '@sluice/wire'
import type { Conn } from '../conn.ts'
import type { Dial } from '../dial.ts'
import { dialCode, NetError } from '../net-error.ts'
import { roundRobin, type Weighted } from './balance.ts'
import { dialChain } from './chain-dial.ts'
import { Health, type HealthOptions } from './health.ts'
import type { HttpOutcome, Route } from './route.ts'
import type { Hop } from './upstream-url.ts'

/** One way out: a proxy, or a chain of them. */
export interface UpstreamMember {
  readonly hops: readonly Hop[]
  /** Its share of the dials, a whole number. */
  readonly weight: number
}

export interface UpstreamGroup {
  readonly members: readonly UpstreamMember[]
  /** By weight, or always the first that is up. */
  readonly balance: 'roundrobin' | 'first'
  readonly check: HealthOptions & {
    /** How long a member has to be reached: connected, TLS, sign-in. */
    readonly timeoutMs: number
  }
}

/** How a dial at one member ended; `target` where it was reached and could not reach the target. */
export type UpstreamResult = 'ok' | 'target' | 'failed' | 'auth' | 'aborted'

/** A member that is out, or in again. `cause` is the failure that took it out. */
export interface UpstreamChange {
  readonly upstream: string
  /** Its hops, without credentials. */
  readonly member: string
  readonly isUp: boolean
  readonly cause: unknown
}

export interface DialGroupOptions {
  /** Dials the first hop of a member; no address policy. */
  readonly dial: Dial
  readonly deadlineMs: number
  /** Monotonic, ms. */
  readonly clock: { now(): number }
  readonly ca?: string | undefined
  readonly onDial?: ((upstream: string, result: UpstreamResult) => void) | undefined
  readonly onChange?: ((change: UpstreamChange) => void) | undefined
}

interface Member extends UpstreamMember, Weighted {
  readonly health: Health
}

const RESULTS: Readonly<Record<string, UpstreamResult>> = {
  UPSTREAM_AUTH: 'auth',
  UPSTREAM_FAILED: 'failed',
  DIAL_LOCAL_LIMIT: 'aborted',
}

/** Members that stand in for one another. */
export class DialGroup {
  readonly #name: string
  readonly #group: UpstreamGroup
  readonly #options: DialGroupOptions
  readonly #members: readonly Member[]

  constructor(name: string, group: UpstreamGroup, options: DialGroupOptions) {
    this.#name = name
    this.#group = group
    this.#options = options
    this.#members = group.members.map(({ hops, weight }) => ({
      hops,
      weight,
      credit: 0,
      health: new Health(group.check),
    }))
  }

  /** Members that are up. */
  get healthy(): number {
    return this.#members.filter(({ health }) => health.isUp).length
  }

  /**
   * Tries one member after the other until one was reached, within the deadline. What that one says of the target is
   * the outcome. Where no member is up or due, those that are out are tried all the same: there is nothing to lose.
   * @throws as dialChain
   */
  dial(target: Address, signal: AbortSignal): Promise<Conn> {
    return this.#tryEach(signal, (member, leftMs) => this.#dialBy(member, target, leftMs, signal))
  }

  /** As `dial`, but as far as the last hop where that speaks HTTP. */
  forward(target: Address, signal: AbortSignal): Promise<Route> {
    return this.#tryEach(signal, (member, leftMs) => this.#forwardBy(member, target, leftMs, signal))
  }

  async #tryEach<T>(
    signal: AbortSignal,
    attempt: (member: Member, leftMs: number) => Promise<T>,
  ): Promise<T> {
    const { clock, deadlineMs } = this.#options
    const deadlineAt = clock.now() + deadlineMs
    const untried = new Set(this.#members)
    const failures: NetError[] = []
    for (let leftMs = deadlineMs; untried.size > 0 && leftMs > 0; leftMs = deadlineAt - clock.now()) {
      const member = this.#pick([...untried])
      untried.delete(member)
      try {
        return await attempt(member, leftMs)
      } catch (error) {
        this.#told(member, signal.aborted ? 'aborted' : (error as NetError))
        if (signal.aborted || !isOfTheUpstream(error)) throw error
        failures.push(error)
      }
    }
    throw failures.length === 1 ? failures[0]! : this.#failure(failures)
  }

  #pick(untried: readonly Member[]): Member {
    const now = this.#options.clock.now()
    const due = untried.filter(({ health }) => health.isDue(now))
    const candidates = due.length > 0 ? due : untried
    return (this.#group.balance === 'first' ? undefined : roundRobin(candidates)) ?? candidates[0]!
  }

  async #dialBy(member: Member, target: Address, leftMs: number, signal: AbortSignal): Promise<Conn> {
    const conn = await this.#chain(member, target, leftMs, signal)
    this.#told(member, 'ok')
    return conn
  }

  async #forwardBy(member: Member, target: Address, leftMs: number, signal: AbortSignal): Promise<Route> {
    const { protocol, label, credentials } = member.hops.at(-1)!
    const upstream = this.#name
    if (protocol !== 'http')
      return { conn: await this.#dialBy(member, target, leftMs, signal), upstream, hop: undefined }
    const conn = await this.#chain(member, undefined, leftMs, signal)
    const authorization = credentials && encodeBasic(credentials)
    return { conn, upstream, hop: { label, authorization, told: (outcome) => this.#told(member, outcome) } }
  }

  async #chain(
    { hops, health }: Member,
    target: Address | undefined,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<Conn> {
    const { dial, ca, clock } = this.#options
    const reachMs = this.#group.check.timeoutMs
    health.begin(clock.now())
    return dialChain({ hops, target, dial, ca, reachMs, deadlineMs, signal })
  }

  /** One dial at a member is over. */
  #told(member: Member, outcome: HttpOutcome): void {
    const result = typeof outcome === 'string' ? outcome : (RESULTS[outcome.code] ?? 'target')
    this.#options.onDial?.(this.#name, result)
    if (result !== 'aborted') this.#settle(member, isOfTheUpstream(outcome) ? outcome : undefined)
  }

  /** @param cause why it could not be reached; undefined where it was */
  #settle(member: Member, cause: NetError | undefined): void {
    const { health, hops } = member
    const wasUp = health.isUp
    if (cause === undefined) health.reached()
    else health.failed(this.#options.clock.now())
    if (health.isUp === wasUp) return
    const label = hops.map((hop) => hop.label).join(' ')
    this.#options.onChange?.({ upstream: this.#name, member: label, isUp: !wasUp, cause })
  }

  #failure(failures: readonly NetError[]): NetError {
    const why = failures.map(({ message }) => message).join('; ')
    return new NetError(dialCode(failures), why, { cause: new AggregateError(failures) })
  }
}

const isOfTheUpstream = (error: unknown): error is NetError =>
  error instanceof NetError && error.code.startsWith('UPSTREAM_')
