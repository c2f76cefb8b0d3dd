import { AddressSet } from '@sluice/net'
import { formatNodeId, parseNodeId } from '@sluice/wire/relay'
import type { RelayPeer } from './relay-peer.ts'

/** Who must stay out: a NodeID, or a network. */
export interface Ban {
  /** Base58 of a NodeID; `address/prefix`; or one address. */
  readonly subject: string
  /** ms since 1970; undefined: until it is lifted. */
  readonly expiresAt?: number | undefined
  readonly reason?: string | undefined
}

/** The bans in force. One that has expired is none, at once. */
export class Bans {
  readonly #wallNow: () => number
  readonly #ids = new Map<string, Ban>()
  readonly #networks = new Map<string, { ban: Ban; set: AddressSet }>()

  /** @param wallNow ms since 1970 */
  constructor(wallNow: () => number = Date.now) {
    this.#wallNow = wallNow
  }

  /** Also to change one. @throws RangeError where the subject is neither a NodeID nor a network */
  add(ban: Ban): void {
    const { subject } = ban
    if (isNodeId(subject)) this.#ids.set(subject, ban)
    else this.#networks.set(subject, { ban, set: new AddressSet([subject]) })
  }

  /** @returns false where there was none */
  lift(subject: string): boolean {
    return this.#ids.delete(subject) || this.#networks.delete(subject)
  }

  /** The ban that keeps out whoever comes from there. */
  ofIp(ip: string): Ban | undefined {
    for (const { ban, set } of this.#networks.values()) if (set.has(ip) && this.#holds(ban)) return ban
    return undefined
  }

  /** The ban of a NodeID in Base58. */
  ofId(id: string): Ban | undefined {
    const ban = this.#ids.get(id)
    return ban !== undefined && this.#holds(ban) ? ban : undefined
  }

  /** Whether one of them keeps this peer out. */
  isOut({ id, ip }: Pick<RelayPeer, 'id' | 'ip'>): boolean {
    return this.ofId(id) !== undefined || this.ofIp(ip) !== undefined
  }

  /** Those that hold; the others are forgotten. */
  list(): readonly Ban[] {
    const all = [...this.#ids.values(), ...[...this.#networks.values()].map(({ ban }) => ban)]
    for (const ban of all) if (!this.#holds(ban)) this.lift(ban.subject)
    return all.filter((ban) => this.#holds(ban))
  }

  #holds({ expiresAt = Infinity }: Ban): boolean {
    return this.#wallNow() < expiresAt
  }
}

const isNodeId = (text: string): boolean => {
  try {
    return formatNodeId(parseNodeId(text)) === text
  } catch {
    return false
  }
}
