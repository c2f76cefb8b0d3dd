import { BlockList, isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Address } from '@sluice/wire'
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
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
] as const

const listOf = (cidrs: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [host, bits] = cidr.split('/')
    const family = isIPv6(host!) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(host!, family)
    else list.addSubnet(host!, Number(bits), family)
  }
  return list
}

const has = (list: BlockList, ip: string): boolean => list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')

const isLocal = (ip: string): boolean => {
  if (ip === '0.0.0.0' || ip === '::' || ip === '::1' || ip.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === ip),
  )
}

/** An IPv4 address that comes as `::ffff:192.0.2.1` or `::ffff:c000:201` is judged as IPv4. */
const unmapped = (ip: string): string => {
  const zoneless = ip.split('%')[0]!
  if (!isIPv6(zoneless)) return zoneless
  const canonical = new URL(`http://[${zoneless}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (mapped === null) return canonical
  const [high, low] = [parseInt(mapped[1]!, 16), parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Where a dial may go; asked about the very address that is then connected to. */
export class AddressPolicy {
  readonly #denied = listOf(DENIED_BY_DEFAULT)
  readonly #allowed: BlockList
  readonly #own: () => readonly Address[]

  /**
   * @param allow CIDRs (or single addresses) that may be dialled although they are denied by default
   * @param own the program's own listeners, which never may
   */
  constructor(allow: readonly string[] = [], own: () => readonly Address[] = () => []) {
    this.#allowed = listOf(allow)
    this.#own = own
  }

  /** @throws NetError TARGET_DENIED */
  check(ip: string, port: number): void {
    const plain = unmapped(ip)
    if (isIP(plain) === 0) throw new NetError('TARGET_DENIED', `${ip} is not an address`)
    if (has(this.#denied, plain) && !has(this.#allowed, plain)) {
      throw new NetError('TARGET_DENIED', `${ip} is in a range that may not be dialled`)
    }
    if (this.#own().some((own) => own.port === port && isSame(own.host, plain))) {
      throw new NetError('TARGET_DENIED', `${ip}:${port} is a listener of this program`)
    }
  }
}

const isSame = (listener: string, ip: string): boolean => {
  const host = unmapped(listener)
  if (host === '0.0.0.0' || host === '::') return isLocal(ip)
  return host === ip || (isLocal(host) && (ip === '0.0.0.0' || ip === '::'))
}
