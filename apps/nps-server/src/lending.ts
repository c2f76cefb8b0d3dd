import { type AnyLevel, isLent } from './level-ledger.ts'
import type { LiveRecords } from './live-records.ts'
import type { FlowTotals, HostRecord, TunnelRecord } from './records.ts'
import type { LiveClient } from './registry.ts'
import { hostsClash, portsClash } from './store/record-clashes.ts'
import { RecordError } from './store/record-error.ts'

interface Lent {
  readonly tunnels: readonly TunnelRecord[]
  readonly hosts: readonly HostRecord[]
}

/** Tunnels and hosts that programs of clients have brought with them, and that go with these. */
export class Lending {
  readonly #records: LiveRecords
  readonly #onChange: () => void
  #nextId = -1

  constructor(records: LiveRecords, onChange: () => void) {
    this.#records = records
    this.#onChange = onChange
  }

  /** @throws RecordError TUNNEL_LIMIT, PORT_TAKEN, HOST_TAKEN, RECORD_VALUE for a password that is taken; then none of them is there */
  lend(client: LiveClient, lent: Lent): Disposable {
    this.#check(client, lent)
    const tunnels = lent.tunnels.map((tunnel) => ({ ...tunnel, id: this.#nextId-- }))
    const hosts = lent.hosts.map((host) => ({ ...host, id: this.#nextId-- }))
    for (const tunnel of tunnels) this.#records.putTunnel(tunnel, (_level, update) => update())
    for (const host of hosts) this.#records.putHost(host, (_level, update) => update())
    this.#onChange()
    let isBack = false
    return {
      [Symbol.dispose]: () => {
        if (isBack) return
        isBack = true
        for (const { id } of tunnels) this.#records.dropTunnel(id)
        for (const { id } of hosts) this.#records.dropHost(id)
        this.#onChange()
      },
    }
  }

  /** What has passed the lent ones that are there, by client. */
  flows(): Map<number, FlowTotals> {
    const sums = new Map<number, FlowTotals>()
    for (const client of this.#records.clients.values()) {
      const levels: AnyLevel[] = [...client.tunnels.values(), ...client.hosts.values()]
      for (const level of levels.filter(isLent)) {
        const { inlet = 0, export: out = 0 } = sums.get(client.record.id) ?? {}
        const { flow } = level.account
        const { up, down } = flow.read()
        // As far as the ledger has looked: so far the client's own count is booked.
        const sum = { inlet: inlet + up - flow.up, export: out + down - flow.down }
        sums.set(client.record.id, sum)
      }
    }
    return sums
  }

  #check({ record, tunnels, hosts }: LiveClient, lent: Lent): void {
    const { maxTunnels = Infinity } = record
    if (tunnels.size + hosts.size + lent.tunnels.length + lent.hosts.length > maxTunnels)
      throw new RecordError('TUNNEL_LIMIT', `client ${record.id} may have ${maxTunnels} tunnels and hosts`)
    const taken: TunnelRecord[] = [...this.#records.tunnels.values()].map((tunnel) => tunnel.record)
    for (const tunnel of lent.tunnels) {
      if (taken.some((other) => portsClash(tunnel, other)))
        throw new RecordError('PORT_TAKEN', `port ${tunnel.port} belongs to another tunnel`)
      const { passwordHash } = tunnel
      if (passwordHash !== undefined && taken.some((other) => other.passwordHash === passwordHash))
        throw new RecordError('RECORD_VALUE', 'another tunnel has this password already')
      taken.push(tunnel)
    }
    const named: HostRecord[] = [...this.#records.hosts.values()].map((host) => host.record)
    for (const host of lent.hosts) {
      if (named.some((other) => hostsClash(host, other)))
        throw new RecordError('HOST_TAKEN', `${host.host}${host.location} belongs to another host`)
      named.push(host)
    }
  }
}
