import { Account, type AccountDefaults } from '@sluice/service'
import type { Shaper } from '@sluice/ratelimit'
import type { User } from '@sluice/userstore'
import type { ClientRecord, HostRecord, Kind, TunnelRecord } from './records.ts'

/** A client, a tunnel or a host while the program runs: its record, its limits and quota, and who passes it. */
export class Level<Record extends ClientRecord | TunnelRecord | HostRecord> {
  readonly kind: Kind
  /** What sessions enter and lanes count for: up is inlet, down is export. */
  readonly account: Account
  record: Record

  constructor(kind: Kind, record: Record, shaper: Shaper, onAttention: () => void) {
    this.kind = kind
    this.record = record
    this.account = new Account(userOf(kind, record), shaper, defaultsOf(record), onAttention)
  }

  /** Connections and, of UDP, peers that pass it now. Those of a client's own programs are none of them. */
  get visitors(): number {
    return this.account.connections + this.account.associations
  }

  /** As the store has it now; holds for running sessions at once. */
  update(record: Record, now: number): void {
    this.record = record
    // First what the limits of the record stand behind, so that nobody is cut twice.
    this.account.setDefaults(defaultsOf(record))
    this.account.update(userOf(this.kind, record), now)
  }

  /** It is gone from the store: whoever passes it is cut. */
  remove(): void {
    this.account.removed = true
    this.account.cut('TUNNEL_REMOVED')
  }
}

/** As many visitors may send datagrams as there may be connections. */
const defaultsOf = ({ limits }: ClientRecord | TunnelRecord | HostRecord): AccountDefaults => ({
  associations: limits.connections,
})

/** What an account knows of it. */
const userOf = (
  kind: Kind,
  { id, enabled, expiresAt, limits }: ClientRecord | TunnelRecord | HostRecord,
): User => ({
  id: `${kind}:${id}`,
  name: '',
  enabled,
  ...(expiresAt !== undefined && { expiresAt }),
  limits,
  credentials: [],
})
