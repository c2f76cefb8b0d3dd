import type { Database, Statement } from 'better-sqlite3'
import type { ClientRecord, HostRecord, TunnelRecord } from '../records.ts'
import { hostsClash, portsClash } from './record-clashes.ts'
import { RecordError } from './record-error.ts'

interface Row {
  id: number
  body: string
}

/** A record that is about to be written; a new one has no id yet. */
type Draft<Record> = Omit<Record, 'id' | 'createdAt'> & { id?: number }

/** What holds between records. To be asked in the transaction that writes. */
export class RecordRules {
  readonly #tunnelsOf: Statement<[number], number>
  readonly #hostsOf: Statement<[number], number>
  readonly #onPort: Statement<[number], Row>
  readonly #named: Statement<[string], Row>

  constructor(database: Database) {
    const where = 'WHERE removed_at IS NULL AND body ->> '
    this.#tunnelsOf = database
      .prepare<[number], number>(`SELECT id FROM tunnels ${where} 'clientId' = ?`)
      .pluck()
    this.#hostsOf = database.prepare<[number], number>(`SELECT id FROM hosts ${where} 'clientId' = ?`).pluck()
    this.#onPort = database.prepare(`SELECT id, body FROM tunnels ${where} 'port' = ?`)
    this.#named = database.prepare(`SELECT id, body FROM hosts ${where} 'host' = ?`)
  }

  /** Ids of a client's tunnels. */
  tunnelsOf(clientId: number): number[] {
    return this.#tunnelsOf.all(clientId)
  }

  /** Ids of a client's hosts. */
  hostsOf(clientId: number): number[] {
    return this.#hostsOf.all(clientId)
  }

  /** @throws RecordError TUNNEL_LIMIT */
  checkRoom({ id, maxTunnels = Infinity }: ClientRecord): void {
    if (maxTunnels === Infinity) return
    if (this.tunnelsOf(id).length + this.hostsOf(id).length < maxTunnels) return
    throw new RecordError('TUNNEL_LIMIT', `client ${id} may have ${maxTunnels} tunnels and hosts`)
  }

  /** @throws RecordError PORT_TAKEN */
  checkPort(tunnel: Draft<TunnelRecord>): void {
    if (tunnel.port === undefined) return
    const others = this.#onPort.all(tunnel.port).map(recordOf) as TunnelRecord[]
    const taken = others.find((other) => other.id !== tunnel.id && portsClash(tunnel, other))
    if (taken === undefined) return
    throw new RecordError('PORT_TAKEN', `port ${tunnel.port} belongs to tunnel ${taken.id}`)
  }

  /** @throws RecordError HOST_TAKEN */
  checkName(host: Draft<HostRecord>): void {
    const others = this.#named.all(host.host).map(recordOf) as HostRecord[]
    const taken = others.find((other) => other.id !== host.id && hostsClash(host, other))
    if (taken === undefined) return
    throw new RecordError('HOST_TAKEN', `${host.host}${host.location} belongs to host ${taken.id}`)
  }
}

const recordOf = ({ id, body }: Row): object => ({ id, ...JSON.parse(body) })
