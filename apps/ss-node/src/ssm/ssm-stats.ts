import type { Bytes } from '@sluice/metrics'
import type { User } from '@sluice/userstore'
import type { Register } from '../remote/register.ts'

/** What a user, or all of them, moved; packets are not counted here. */
export interface SsmTraffic {
  readonly downlinkBytes: number
  readonly downlinkPackets: 0
  readonly uplinkBytes: number
  readonly uplinkPackets: 0
  readonly tcpSessions: number
  readonly udpSessions: number
}

export interface SsmStats extends SsmTraffic {
  readonly users: readonly (SsmTraffic & { readonly username: string })[]
}

const NOTHING: Bytes = { up: 0, down: 0 }

/** Payload bytes since the program started, or since they were last cleared. */
export class SsmCounters {
  readonly #register: Register
  /** By user id, what had been counted when it was last cleared. */
  #cleared = new Map<string, Bytes>()

  constructor(register: Register) {
    this.#register = register
  }

  of(user: User): SsmTraffic {
    const account = this.#register.account(user)
    const { up, down } = account?.flow.read() ?? NOTHING
    const cleared = this.#cleared.get(user.id) ?? NOTHING
    return {
      downlinkBytes: down - cleared.down,
      downlinkPackets: 0,
      uplinkBytes: up - cleared.up,
      uplinkPackets: 0,
      tcpSessions: account?.connections ?? 0,
      udpSessions: account?.associations ?? 0,
    }
  }

  /** @param clear they begin at zero after this */
  all(users: readonly User[], clear: boolean): SsmStats {
    const each = users.map((user) => ({ username: user.name, ...this.of(user) }))
    const sum = (key: 'downlinkBytes' | 'uplinkBytes' | 'tcpSessions' | 'udpSessions'): number =>
      each.reduce((total, one) => total + one[key], 0)
    const stats = {
      downlinkBytes: sum('downlinkBytes'),
      downlinkPackets: 0,
      uplinkBytes: sum('uplinkBytes'),
      uplinkPackets: 0,
      tcpSessions: sum('tcpSessions'),
      udpSessions: sum('udpSessions'),
      users: each,
    } as const
    if (clear) this.#clear(users)
    return stats
  }

  #clear(users: readonly User[]): void {
    this.#cleared = new Map(
      users.map((user) => [user.id, this.#register.account(user)?.flow.read() ?? NOTHING] as const),
    )
  }
}
