import { networkInterfaces } from 'node:os'
import { type Address, formatIp } from '@sluice/wire'
import { contains, type IpNetwork, parseNetwork, plainIp } from './ip-network.ts'
import { NetError } from './net-error.ts'

/**
 * What no target may be unless it is allowed by name: everything that is not the public internet (IANA special-purpose
 * registries, RFC 6890), cloud metadata services among it, and the IPv6 ranges that can carry an IPv4 address.
 */
export const DENIED_BY_DEFAULT = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '100:0:0:1::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
] as const

/** What is asked about the very address that is then connected to. */
export interface TargetPolicy {
  /** @throws what the dial then fails with, where it may not go there */
  check(ip: string, port: number): void
}

/** Where a dial may go: beyond the ranges that are denied by default, and never to the program's own listeners. */
export class AddressPolicy implements TargetPolicy {
  readonly #denied = DENIED_BY_DEFAULT.map(parseNetwork)
  readonly #allowed: readonly IpNetwork[]
  readonly #own: (port: number) => Iterable<Address>

  /**
   * @param allow CIDRs (or single addresses) that may be dialled although they are denied by default
   * @param own the program's own listeners, at least those of this port, which never may
   * @throws RangeError where `allow` has something else
   */
  constructor(allow: readonly string[] = [], own: (port: number) => Iterable<Address> = () => []) {
    this.#allowed = allow.map(parseNetwork)
    this.#own = own
  }

  /**
   * @param isOpened somebody else allows this address, though its range is denied
   * @throws NetError TARGET_DENIED
   */
  check(ip: string, port: number, isOpened: boolean = false): void {
    const bytes = plainIp(ip)
    if (bytes === undefined) throw new NetError('TARGET_DENIED', `${ip} is not an address`)
    if (!isOpened && isIn(this.#denied, bytes) && !isIn(this.#allowed, bytes)) {
      throw new NetError('TARGET_DENIED', `${ip} is in a range that may not be dialled`)
    }
    for (const own of this.#own(port)) {
      if (own.port !== port || !isReached(own.host, formatIp(bytes))) continue
      throw new NetError('TARGET_DENIED', `${ip}:${port} is a listener of this program`)
    }
  }
}

const isIn = (networks: readonly IpNetwork[], ip: Uint8Array): boolean =>
  networks.some((network) => contains(network, ip))

/** Whether a connection to `ip` would end at a listener on `host`, whose port is the same. */
const isReached = (host: string, ip: string): boolean => {
  const own = textOf(host)
  if (own === ip) return true
  return isWildcard(own) ? isLocal(ip) : isWildcard(ip) && isLocal(own)
}

/** Listening on it takes all addresses of this machine; dialling it leads to loopback. */
const isWildcard = (ip: string): boolean => ip === '0.0.0.0' || ip === '::'

const isLocal = (ip: string): boolean =>
  isWildcard(ip) ||
  ip.startsWith('127.') ||
  Object.values(networkInterfaces()).some((cards) => cards?.some(({ address }) => textOf(address) === ip))

/** One spelling for each address. */
const textOf = (host: string): string => {
  const bytes = plainIp(host)
  return bytes === undefined ? host : formatIp(bytes)
}
