import { isIP } from 'node:net'
import { type Address, formatIp } from '@sluice/wire'
import type { TargetPolicy } from './address-policy.ts'
import { createResolver } from './dns/create-resolver.ts'
import type { Resolver } from './dns/resolver.ts'
import { plainIp } from './ip-network.ts'
import { dialCode, NetError } from './net-error.ts'

/**
 * The addresses of a target that may be reached, the best first and at least one, each in one spelling (IPv4 as such,
 * where it is written as IPv6): at once where the target is an address, later where it is a name.
 * @param policy asked in place of the maker's
 * @throws NetError TARGET_DENIED or DIAL_*; what the policy throws
 */
export type Locate = (
  target: Address,
  policy?: TargetPolicy,
) => readonly string[] | Promise<readonly string[]>

export interface LocateOptions {
  readonly policy: TargetPolicy
  /** @default 10,000 */
  readonly deadlineMs?: number
  /** @default the system's names */
  readonly resolver?: Resolver
}

/** Finds a target without connecting to it: for datagrams, and for who is to come from there. */
export const createLocate = (options: LocateOptions): Locate => {
  const { deadlineMs = 10_000, resolver = createResolver() } = options
  return (target, policy = options.policy) => {
    const { host, port } = target
    if (isIP(host) === 0) return ofName(target, policy, resolver, AbortSignal.timeout(deadlineMs))
    policy.check(host, port)
    return [spelled(host)]
  }
}

const ofName = async (
  { host, port }: Address,
  policy: TargetPolicy,
  resolver: Resolver,
  deadline: AbortSignal,
): Promise<readonly string[]> => {
  const ips = [...new Set((await resolved(host, resolver, deadline)).map(spelled))]
  if (ips.length === 0) throw new NetError('DIAL_NAME_UNKNOWN', `${host} has no address`)
  const refusals: unknown[] = []
  const passed = ips.filter((ip) => passes(policy, ip, port, refusals))
  if (passed.length === 0) throw refusals[0]
  return passed
}

const resolved = async (
  host: string,
  resolver: Resolver,
  deadline: AbortSignal,
): Promise<readonly string[]> => {
  try {
    return await resolver.resolve(host, deadline)
  } catch (cause) {
    if (deadline.aborted) throw new NetError('DIAL_TIMEOUT', `${host} was not looked up in time`, { cause })
    throw new NetError(dialCode([cause]), `${host}: ${String(cause)}`, { cause })
  }
}

const spelled = (ip: string): string => {
  const bytes = plainIp(ip)
  return bytes === undefined ? ip : formatIp(bytes)
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
