import type { WayOutMetrics } from '@sluice/metrics'
import {
  AddressPolicy,
  createDial,
  createLocate,
  createResolver,
  createUpstreams,
  DIRECT,
  type Route,
  type TargetPolicy,
} from '@sluice/net'
import type { Address } from '@sluice/wire'
import { Access, ruleOf } from './access/access.ts'
import type { AccessConfig } from './access/access-config.ts'
import type { Subject } from './access/facts.ts'
import { accessDial, subjectOf, type UpstreamDial } from './access/access-dial.ts'
import type { BaseConfig } from './config.ts'
import type { DnsConfig } from './dns-config.ts'
import type { Log } from './log.ts'
import type { CallerDial, CallerLocate, CallerMayReuse } from './request.ts'
import { sendProxyHeaders } from './send-proxy.ts'
import type { SessionConfig } from './session-config.ts'
import { type UpstreamConfig, upstreamGroups } from './upstream-config.ts'

/** What a program can be told about where targets are, and how they are reached. */
export type WayOutConfig = Pick<BaseConfig, 'allow'> &
  Pick<SessionConfig, 'dialMs' | 'sendProxy' | 'sendProxyTo'> &
  AccessConfig &
  DnsConfig &
  UpstreamConfig

export interface WayOutOptions {
  readonly config: WayOutConfig
  /** The doors that rules may name. */
  readonly doors: readonly string[]
  /** The program's own listeners of a port, which nobody may dial. */
  readonly own: (port: number) => Iterable<Address>
  readonly metrics: WayOutMetrics
  readonly log: Log
}

/** How a program reaches targets: as its rules say, past the address policy, directly or through an upstream. */
export interface WayOut {
  readonly dial: CallerDial
  readonly mayReuse: CallerMayReuse
  /** For who does not dial; what has to go through an upstream is denied. */
  readonly locate: CallerLocate
  /** Members that are up, by the name of their upstream. */
  healthy(): Record<string, number>
}

/** For targets that rules and policy have let through. */
const JUDGED: TargetPolicy = { check: () => {} }

/** @throws ConfigError for rules that name what is not there, and for half of --send-proxy */
export const createWayOut = ({ config, doors, own, metrics, log }: WayOutOptions): WayOut => {
  const { allow, rules, source, dialMs: deadlineMs } = config
  const policy = new AddressPolicy(allow, own)
  const resolver = createResolver({
    servers: config.dns,
    only: config.dnsOnly,
    prefer: config.dnsPrefer === 'none' ? undefined : config.dnsPrefer,
    onLookup: (result, ms) => metrics.lookedUp(result, ms),
    onHit: () => metrics.cacheHit(),
  })
  const direct = createDial({ policy, deadlineMs, localAddress: source, resolver })
  const upstreams = createUpstreams(upstreamGroups(config), {
    direct,
    policy,
    deadlineMs,
    resolver,
    onDial: (upstream, result) => metrics.upstreamDialled(upstream, result),
    onChange: ({ upstream, member, isUp, cause }) => {
      if (isUp) log.info({ upstream, member }, 'upstream.back')
      else log.warn({ upstream, member, err: cause }, 'upstream.out')
    },
  })
  const names = upstreams.names.filter((name) => name !== DIRECT)
  const dials = new Map(
    names.map((name): [string, UpstreamDial] => [
      name,
      async (target, signal, use) =>
        use === 'http'
          ? upstreams.forward(name, target, signal, JUDGED)
          : { conn: await upstreams.dial(name, target, signal, JUDGED), upstream: name, hop: undefined },
    ]),
  )
  const access = new Access(rules, { listeners: doors, upstreams: names })
  const judged = accessDial({
    access: () => access,
    policy,
    direct: sendProxyHeaders(config)(direct),
    upstreams: { dials, resolver, deadlineMs },
  })
  const find = createLocate({ policy, deadlineMs, resolver })
  const count = (error: unknown): never => {
    const rule = ruleOf(error)
    if (typeof rule === 'string') metrics.ruleDenied(rule)
    throw error
  }
  const findAllowed = (target: Address, subject: Subject): ReturnType<CallerLocate> => {
    try {
      access.checkDirect(subject)
      const found = find(target, access.policyFor(subject, policy))
      return found instanceof Promise ? found.catch(count) : found
    } catch (error) {
      return count(error)
    }
  }
  const locate: CallerLocate = (target, caller) =>
    access.isPlain ? find(target) : findAllowed(target, subjectOf(caller, target))
  // What another configuration has dialled is not among them.
  const routes = new WeakSet<Route>()
  const remembered = (route: Route): Route => {
    routes.add(route)
    return route
  }
  const dial: CallerDial = (target, signal, caller, use) => {
    const judging = judged(target, signal, caller, use)
    const dialling = access.isPlain ? judging : judging.catch(count)
    return dialling.then(remembered)
  }
  const mayReuse: CallerMayReuse = (route, target, caller) => {
    if (!routes.has(route)) return false
    return access.isPlain || access.allows(subjectOf(caller, target), route, policy)
  }
  return { dial, mayReuse, locate, healthy: () => upstreams.healthy() }
}
