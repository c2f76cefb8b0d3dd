import type { Address } from '@sluice/wire'

const NONE: readonly Address[] = []

/** Where a program listens, by port: every dial asks, and there may be thousands. */
export class OwnPorts {
  readonly #ports = new Map<number, Set<Address>>()

  at(port: number): Iterable<Address> {
    return this.#ports.get(port) ?? NONE
  }

  add(address: Address): void {
    const there = this.#ports.get(address.port)
    if (there === undefined) this.#ports.set(address.port, new Set([address]))
    else there.add(address)
  }

  /** @param address the very object that was added: TCP and UDP may be at the same one */
  remove(address: Address): void {
    const there = this.#ports.get(address.port)
    if (there?.delete(address) && there.size === 0) this.#ports.delete(address.port)
  }
}
