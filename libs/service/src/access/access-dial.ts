import {
  type AddressPolicy,
  checkTarget,
  dialCode,
  NetError,
  type Route,
  straight,
  type TargetPolicy,
} from '@sluice/net'
import type { Address } from '@sluice/wire'
import { codeOf, type ErrorCode } from '../errors.ts'
import type { Caller, CallerDial, DialUse } from '../request.ts'
import type { DirectDial } from '../send-proxy.ts'
import { type Access, denial, type EarlyVerdict, isDirect } from './access.ts'
import type { Verdict } from './compiled-rule.ts'
import type { Subject } from './facts.ts'
import { DIRECT } from './rule.ts'

/** A dial through one upstream. */
export type UpstreamDial = (target: Address, signal: AbortSignal, use: DialUse) => Promise<Route>

/** Other ways to a target than to dial it from here. */
export interface Upstreams {
  /** By the name that rules have for it. */
  readonly dials: ReadonlyMap<string, UpstreamDial>
  /** For names whose addresses have a say in where to go. */
  readonly resolver: { resolve(host: string, signal: AbortSignal): Promise<readonly string[]> }
  /** From the first look at such a name to its addresses. */
  readonly deadlineMs: number
}

export interface AccessDialParts {
  /** The rules of now. */
  readonly access: () => Access
  readonly policy: AddressPolicy
  readonly direct: DirectDial
  /** Left out where none are configured. */
  readonly upstreams?: Upstreams | undefined
}

/** As many addresses of one name are asked of an upstream, one after the other. */
const MAX_ADDRESSES = 4

/**
 * Dials as the rules say, from the user's own address where they have one, and by the upstreams that the deciding rule
 * names. Without rules and upstreams it is `direct`.
 * @throws AccessError, NetError; what the upstreams throw
 */
export const accessDial =
  (parts: AccessDialParts): CallerDial =>
  (target, signal, caller, use) => {
    const access = parts.access()
    if (access.isPlain) {
      const terms = { localAddress: caller.account.user.source }
      return parts.direct(target, signal, terms, caller).then(straight)
    }
    return new AccessAttempt(parts, access, target, signal, caller).run(use)
  }

/** What rules are told of a caller and their target. */
export const subjectOf = ({ account, client, door, protocol }: Caller, { host, port }: Address): Subject => {
  const { name, groups = [] } = account.user
  return { listener: door, user: name, groups, client: client.host, protocol, host, port }
}

/** One target that has to be judged, and may have to go through an upstream. */
class AccessAttempt {
  readonly #parts: AccessDialParts
  readonly #access: Access
  readonly #target: Address
  readonly #signal: AbortSignal
  readonly #subject: Subject
  readonly #caller: Caller

  constructor(parts: AccessDialParts, access: Access, target: Address, signal: AbortSignal, caller: Caller) {
    this.#parts = parts
    this.#access = access
    this.#target = target
    this.#signal = signal
    this.#subject = subjectOf(caller, target)
    this.#caller = caller
  }

  async run(use: DialUse): Promise<Route> {
    const verdict = this.#access.check(this.#subject)
    if (verdict.depends && this.#mayLeadAway(verdict)) return this.#byAddresses()
    if (!verdict.depends && !verdict.allow) throw denial(verdict, this.#subject)
    if (verdict.depends || isDirect(verdict)) return this.#direct()
    const { policy } = this.#parts
    checkTarget({ check: (ip, port) => policy.check(ip, port, verdict.private) }, this.#target)
    return this.#through(verdict, [this.#target.host], use)
  }

  /** Whether an upstream may come of it; if not, the dial's own resolution is enough to judge each address. */
  #mayLeadAway(verdict: EarlyVerdict): boolean {
    return this.#access.routesByAddress || (verdict.allow && !isDirect(verdict))
  }

  /** Resolves the name here, and goes where the first address that is allowed leads, with all that lead there too. */
  async #byAddresses(): Promise<Route> {
    const ips = await this.#resolved()
    const judged = ips.map((ip) => this.#judged(ip))
    const chosen = judged.find(({ refusal }) => refusal === undefined)
    if (chosen === undefined) throw judged[0]!.refusal
    const { verdict } = chosen
    const same = judged.filter((each) => each.refusal === undefined && each.verdict.via === verdict.via)
    return this.#through(
      verdict,
      same.map(({ ip }) => ip),
      // A proxy that is asked for http://192.0.2.1/ tells the target that it was asked for by address.
      'tunnel',
    )
  }

  #judged(ip: string): { ip: string; verdict: Verdict; refusal: unknown } {
    const verdict = this.#access.checkAddress(this.#subject, ip)
    if (!verdict.allow) return { ip, verdict, refusal: denial(verdict, this.#subject) }
    try {
      this.#parts.policy.check(ip, this.#target.port, verdict.private)
      return { ip, verdict, refusal: undefined }
    } catch (refusal) {
      return { ip, verdict, refusal }
    }
  }

  async #resolved(): Promise<readonly string[]> {
    const { host } = this.#target
    const { resolver, deadlineMs } = this.#parts.upstreams!
    const deadline = AbortSignal.timeout(deadlineMs)
    let ips: readonly string[]
    try {
      ips = await resolver.resolve(host, AbortSignal.any([this.#signal, deadline]))
    } catch (cause) {
      this.#signal.throwIfAborted()
      if (deadline.aborted) throw new NetError('DIAL_TIMEOUT', `${host} was not resolved in time`, { cause })
      throw new NetError(dialCode([cause]), `${host}: ${String(cause)}`, { cause })
    }
    if (ips.length > 0) return ips
    throw new NetError('DIAL_NAME_UNKNOWN', `${host} has no address`)
  }

  /** The next of the verdict's ways is tried where one fails without word from the target. */
  async #through(verdict: Verdict, hosts: readonly string[], use: DialUse): Promise<Route> {
    const ways = verdict.via.flatMap((name) => this.#ways(name, hosts, use))
    for (const way of ways.slice(0, -1)) {
      try {
        return await way()
      } catch (error) {
        this.#signal.throwIfAborted()
        if (isFinal(error)) throw error
      }
    }
    return ways.at(-1)!()
  }

  #ways(name: string, hosts: readonly string[], use: DialUse): (() => Promise<Route>)[] {
    if (name === DIRECT) return [(): Promise<Route> => this.#direct()]
    const dial = this.#parts.upstreams!.dials.get(name)!
    const { port } = this.#target
    return hosts.slice(0, MAX_ADDRESSES).map((host) => () => dial({ host, port }, this.#signal, use))
  }

  #direct(): Promise<Route> {
    const policy: TargetPolicy = this.#access.policyFor(this.#subject, this.#parts.policy)
    const terms = { policy, localAddress: this.#caller.account.user.source }
    return this.#parts.direct(this.#target, this.#signal, terms, this.#caller).then(straight)
  }
}

/** The target has spoken, or may not be reached: another way would not help. */
const FINAL = new Set<ErrorCode>([
  'ACCESS_DENIED',
  'TARGET_DENIED',
  'DIAL_REFUSED',
  'DIAL_NAME_UNKNOWN',
  'DIAL_SOURCE_UNAVAILABLE',
  'INTERNAL',
])
const isFinal = (error: unknown): boolean => FINAL.has(codeOf(error))
