import { AddressSet, NetError, type TargetPolicy } from '@sluice/net'

const LOOPBACK = ['127.0.0.0/8', '::1']

/** Where a client program dials: its own machine, and what was allowed by name, be it public or not. */
export class OwnNetworkPolicy implements TargetPolicy {
  readonly #allowed: AddressSet

  /** @param allow CIDRs or single addresses @throws RangeError where one is neither */
  constructor(allow: readonly string[] = []) {
    this.#allowed = new AddressSet([...LOOPBACK, ...allow])
  }

  /** @throws NetError TARGET_DENIED */
  check(ip: string): void {
    if (this.#allowed.has(ip)) return
    throw new NetError('TARGET_DENIED', `${ip} is not on this machine, and was not allowed`)
  }
}
