import { contains, type IpNetwork } from '@sluice/net'

/** A network with what was filed under it, and the next larger one in the table that holds it. */
export interface NetworkEntry<T> {
  readonly network: IpNetwork
  readonly values: T[]
  readonly parent: NetworkEntry<T> | undefined
}

/**
 * Values by networks of IP addresses. Two networks never overlap but where one holds the other, so in the order of
 * their first addresses, the larger first, all that hold an address are the last one that begins at or before it and
 * its parents, or some of these.
 */
export class NetworkTable<T> {
  readonly #ipv4: readonly NetworkEntry<T>[]
  readonly #ipv6: readonly NetworkEntry<T>[]

  constructor(pairs: readonly (readonly [network: IpNetwork, value: T])[]) {
    const sorted = pairs
      .map(([network, value]) => ({ network: masked(network), value }))
      .toSorted((a, b) => inOrder(a.network, b.network))
    this.#ipv4 = nested(sorted.filter(({ network }) => network.bytes.length === 4))
    this.#ipv6 = nested(sorted.filter(({ network }) => network.bytes.length === 16))
  }

  /** The smallest network that holds the 4 or 16 bytes of an address; its parents do too, and no others. */
  find(ip: Uint8Array): NetworkEntry<T> | undefined {
    const entries = ip.length === 4 ? this.#ipv4 : this.#ipv6
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (Buffer.compare(entries[middle]!.network.bytes, ip) <= 0) low = middle + 1
      else high = middle
    }
    let entry = entries[low - 1]
    while (entry !== undefined && !contains(entry.network, ip)) entry = entry.parent
    return entry
  }
}

/** With all bits behind the prefix at 0. */
const masked = ({ bytes, bits }: IpNetwork): IpNetwork => ({
  bits,
  bytes: bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8)))),
})

interface Filed<T> {
  readonly network: IpNetwork
  readonly value: T
}

const inOrder = (a: IpNetwork, b: IpNetwork): number => Buffer.compare(a.bytes, b.bytes) || a.bits - b.bits

/** One entry for each network, its values in the order in which they came. */
const nested = <T>(sorted: readonly Filed<T>[]): NetworkEntry<T>[] => {
  const entries: NetworkEntry<T>[] = []
  for (const { network, value } of sorted) {
    const last = entries.at(-1)
    if (last !== undefined && inOrder(last.network, network) === 0) {
      last.values.push(value)
      continue
    }
    let parent = last
    while (parent !== undefined && !contains(parent.network, network.bytes)) parent = parent.parent
    entries.push({ network, values: [value], parent })
  }
  return entries
}
