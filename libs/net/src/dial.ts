import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import type { Address } from '@sluice/wire'
import type { AddressPolicy } from './address-policy.ts'
import type { Conn } from './conn.ts'
import { ConnectRace } from './connect-race.ts'
import { NetError } from './net-error.ts'

/**
 * Opens a conn to `target`.
 * @param signal ends the attempt; the promise then rejects with the signal's reason
 * @throws NetError TARGET_DENIED or DIAL_*
 */
export type Dial = (target: Address, signal: AbortSignal) => Promise<Conn>

type LookupAll = (
  host: string,
  options: { all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

export interface DialOptions {
  readonly policy: AddressPolicy
  /** From the first look at the name to the established connection. @default 10,000 */
  readonly deadlineMs?: number
  /** How long an address has before the next one is tried beside it (RFC 8305 §5). @default 250 */
  readonly attemptMs?: number
  /** @default the system's resolver (getaddrinfo) */
  readonly lookup?: LookupAll
}

/** As many addresses of one name are tried; whoever runs the name's DNS could list thousands. */
const MAX_ADDRESSES = 16
/** DNS has no longer names (253 and a final dot), and C resolvers end a name at a NUL. */
const NAME = /^[^\0]{1,254}$/

/**
 * Dials over TCP. A name is resolved once; the policy judges every address that came of it, and only those that pass
 * are tried, IPv6 and IPv4 in turn (RFC 8305). The first to connect wins.
 */
export const createDial = (options: DialOptions): Dial => {
  const { policy, deadlineMs = 10_000, attemptMs = 250, lookup = systemLookup } = options
  return (target, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const { host, port } = target
      const isLiteral = isIP(host) !== 0
      if (isLiteral) policy.check(host, port)
      else if (!NAME.test(host)) throw new NetError('DIAL_NAME_UNKNOWN', 'no name can be like this')
      const race = new ConnectRace({ target, signal, deadlineMs, attemptMs, resolve, reject })
      if (isLiteral) return race.run([host])
      lookup(host, { all: true }, (error, addresses) => {
        if (error) return race.fail(error)
        const passed = addresses.map(({ address }) => address).filter((ip) => passes(policy, ip, port))
        if (passed.length > 0) return race.run(inTurn([...new Set(passed)]).slice(0, MAX_ADDRESSES))
        if (addresses.length === 0)
          return race.fail(new NetError('DIAL_NAME_UNKNOWN', `${host} has no address`))
        race.fail(new NetError('TARGET_DENIED', `${host} leads only to addresses that may not be dialled`))
      })
    })
}

const passes = (policy: AddressPolicy, ip: string, port: number): boolean => {
  try {
    policy.check(ip, port)
    return true
  } catch {
    return false
  }
}

/** The family of the first address and the other one by turns, each in the resolver's order (RFC 8305 §4). */
const inTurn = (ips: readonly string[]): string[] => {
  const family = isIP(ips[0]!)
  const first = ips.filter((ip) => isIP(ip) === family)
  const other = ips.filter((ip) => isIP(ip) !== family)
  return ips.flatMap((_, i) => [first[i], other[i]]).filter((ip) => ip !== undefined)
}
