import type { Address } from '@sluice/wire'
import { AddressPolicy, type TargetPolicy } from '../address-policy.ts'
import type { Conn } from '../conn.ts'
import { createDial, type TcpDial } from '../dial.ts'
import type { Resolver } from '../dns/resolver.ts'
import { type Route, straight } from './route.ts'
import { checkTarget } from './target-check.ts'
import { DialGroup, type DialGroupOptions, type UpstreamGroup } from './upstream-group.ts'

/** The upstream that is none: straight to the target. */
export const DIRECT = 'direct'

/** Ways out by their names. */
export interface Upstreams {
  /** `direct` first. */
  readonly names: readonly string[]
  /** Members that are up, by the name of their upstream. */
  healthy(): Record<string, number>
  /**
   * Opens a conn to `target` by way of the upstream called `name`. Through any but `direct` a name goes unresolved.
   * @param policy asked in place of the maker's
   * @throws the signal's reason; NetError TARGET_DENIED, DIAL_*, UPSTREAM_*; RangeError for a name that is none
   */
  dial(name: string, target: Address, signal: AbortSignal, policy?: TargetPolicy): Promise<Conn>
  /**
   * As `dial`, for requests of plain HTTP, which a hop that speaks HTTP wants to see as such (RFC 9112 §3.2.2): many of
   * them let nobody tunnel to port 80.
   */
  forward(name: string, target: Address, signal: AbortSignal, policy?: TargetPolicy): Promise<Route>
}

export interface UpstreamsOptions extends Pick<DialGroupOptions, 'ca' | 'onDial' | 'onChange'> {
  readonly direct: TcpDial
  /** Judges targets that are given to an upstream, as far as they are addresses. */
  readonly policy: TargetPolicy
  /** For a whole dial, however many members are tried. @default 10,000 */
  readonly deadlineMs?: number
  /** For the names of the proxies themselves. @default the system's names */
  readonly resolver?: Resolver
  /** Monotonic, ms. @default performance */
  readonly clock?: { now(): number }
}

/** The operator has named the proxies, so they may be anywhere. */
const ANYWHERE = ['0.0.0.0/0', '::/0']

export const createUpstreams = (
  groups: Readonly<Record<string, UpstreamGroup>>,
  options: UpstreamsOptions,
): Upstreams => {
  const { direct, deadlineMs = 10_000, resolver, clock = performance } = options
  const dial = createDial({ policy: new AddressPolicy(ANYWHERE), deadlineMs, ...(resolver && { resolver }) })
  const shared = { ...options, dial, deadlineMs, clock }
  const byName = new Map(
    Object.entries(groups).map(([name, group]) => [name, new DialGroup(name, group, shared)]),
  )
  const groupFor = (name: string, target: Address, policy: TargetPolicy = options.policy): DialGroup => {
    const group = byName.get(name)
    if (group === undefined) throw new RangeError(`there is no upstream ${name}`)
    checkTarget(policy, target)
    return group
  }
  return {
    names: [DIRECT, ...byName.keys()],
    healthy: () => Object.fromEntries([...byName].map(([name, group]) => [name, group.healthy])),
    dial: async (name, target, signal, policy) => {
      if (name === DIRECT) return direct(target, signal, policy && { policy })
      return groupFor(name, target, policy).dial(target, signal)
    },
    forward: async (name, target, signal, policy) => {
      if (name !== DIRECT) return groupFor(name, target, policy).forward(target, signal)
      return straight(await direct(target, signal, policy && { policy }))
    },
  }
}
