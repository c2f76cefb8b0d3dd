import { isIP } from 'node:net'
import { type Address, formatIp } from '@sluice/wire'
import type { TargetPolicy } from './address-policy.ts'
import type { Conn } from './conn.ts'
import { ConnectRace } from './connect-race.ts'
import { createResolver } from './dns/create-resolver.ts'
import type { Resolver } from './dns/resolver.ts'
import { plainIp } from './ip-network.ts'
import { NetError } from './net-error.ts'

/**
 * Opens a conn to `target`.
 * @param signal ends the attempt; the promise then rejects with the signal's reason
 * @throws NetError TARGET_DENIED or DIAL_*
 */
export type Dial = (target: Address, signal: AbortSignal) => Promise<Conn>

/** What one dial wants otherwise than its maker was told. */
export interface DialTerms {
  /** Asked in place of the maker's. */
  readonly policy?: TargetPolicy
  /** IP address of this machine that the conn leaves from; only targets of its family are tried. */
  readonly localAddress?: string | undefined
}

/** A `Dial` of TCP itself. @throws NetError TARGET_DENIED or DIAL_*, or what the policy of `terms` throws */
export type TcpDial = (target: Address, signal: AbortSignal, terms?: DialTerms) => Promise<Conn>

export interface DialOptions {
  readonly policy: TargetPolicy
  /** As in {@link DialTerms}. */
  readonly localAddress?: string | undefined
  /** From the first look at the name to the established connection. @default 10,000 */
  readonly deadlineMs?: number
  /** How long an address has before the next one is tried beside it (RFC 8305 §5). @default 250 */
  readonly attemptMs?: number
  /** @default the system's names */
  readonly resolver?: Resolver
}

/** As many addresses of one name are tried; whoever runs the name's DNS could list thousands. */
const MAX_ADDRESSES = 16

/**
 * Dials over TCP. A name is resolved once; the policy judges every address that came of it, and only those that pass
 * are tried, IPv6 and IPv4 in turn (RFC 8305). The first to connect wins. Where none passes, the dial fails with what
 * the policy said of the first.
 */
export const createDial = (options: DialOptions): TcpDial => {
  const { deadlineMs = 10_000, attemptMs = 250, resolver = createResolver() } = options
  return (target, signal, terms = {}) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const { host, port } = target
      const { policy = options.policy } = terms
      const localAddress = plainText(terms.localAddress ?? options.localAddress)
      const isLiteral = isIP(host) !== 0
      if (isLiteral) policy.check(host, port)
      const race = new ConnectRace({ target, localAddress, signal, deadlineMs, attemptMs, resolve, reject })
      if (isLiteral) return runNear(race, [host], localAddress)
      const asking = new AbortController()
      const onEnd = (): void => asking.abort()
      race.onEnd = onEnd
      void resolver.resolve(host, asking.signal).then(
        (ips) => {
          race.onEnd = undefined
          return runAdmitted(race, policy, target, ips, localAddress)
        },
        (error: unknown) => race.fail(error),
      )
    })
}

const runAdmitted = (
  race: ConnectRace,
  policy: TargetPolicy,
  { host, port }: Address,
  ips: readonly string[],
  localAddress: string | undefined,
): void => {
  const refusals: unknown[] = []
  const admitted = ips.filter((ip) => passes(policy, ip, port, refusals))
  if (admitted.length > 0) runNear(race, admitted, localAddress)
  else race.refuse(refusals[0] ?? new NetError('DIAL_NAME_UNKNOWN', `${host} has no address`))
}

const runNear = (race: ConnectRace, ips: readonly string[], localAddress: string | undefined): void => {
  if (ips.length === 1 && localAddress === undefined) return race.run([ips[0]!])
  const near = ofFamily(ips, localAddress)
  if (near.length > 0) return race.run(inTurn([...new Set(near)]).slice(0, MAX_ADDRESSES))
  race.fail(new NetError('DIAL_UNREACHABLE_NETWORK', `there is no address like ${localAddress}`))
}

const passes = (policy: TargetPolicy, ip: string, port: number, refusals: unknown[]): boolean => {
  try {
    policy.check(ip, port)
    return true
  } catch (error) {
    refusals.push(error)
    return false
  }
}

/** IPv4 as such, where it is written as IPv6. */
const plainText = <T extends string | undefined>(ip: T): T | string => {
  const bytes = ip === undefined ? undefined : plainIp(ip)
  return bytes === undefined ? ip : formatIp(bytes)
}

/** Those that can be dialled from `localAddress`, if any is given. */
const ofFamily = (ips: readonly string[], localAddress: string | undefined): readonly string[] =>
  localAddress === undefined ? ips : ips.map(plainText).filter((ip) => isIP(ip) === isIP(localAddress))

/** The family of the first address and the other one by turns, each in the resolver's order (RFC 8305 §4). */
const inTurn = (ips: readonly string[]): string[] => {
  const family = isIP(ips[0]!)
  const first = ips.filter((ip) => isIP(ip) === family)
  const other = ips.filter((ip) => isIP(ip) !== family)
  return ips.flatMap((_, i) => [first[i], other[i]]).filter((ip) => ip !== undefined)
}
