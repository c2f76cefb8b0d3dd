import { contains, type IpNetwork, parseNetwork, plainIp } from './ip-network.ts'

/** IP addresses, named by their networks. */
export class AddressSet {
  readonly #networks: readonly IpNetwork[]

  /** @param networks as `address/prefix`, or one address @throws RangeError where one is no network */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map(parseNetwork)
  }

  /** An IPv4 address is the same one when it is written as IPv6; a name is in no set. */
  has(ip: string): boolean {
    if (this.#networks.length === 0) return false
    const bytes = plainIp(ip)
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes))
  }
}
