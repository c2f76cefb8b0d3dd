import { type Conn, Reader } from '@sluice/net'
import { type Account, codeOf, type Log, ServiceError, type Serving } from '@sluice/service'
import {
  decodeNpcConfRequest,
  encodeNpcBoolean,
  encodeNpcStatus,
  MAX_NPC_JSON_BYTES,
  type NpcConfRequest,
} from '@sluice/wire/npc'
import type { TunnelRecord } from '../records.ts'
import type { LiveClient, Registry } from '../registry.ts'
import type { Repeats } from '../repeats.ts'
import { hashOfMd5 } from '../secret-hash.ts'
import { RecordError } from '../store/record-error.ts'
import { placeOf, type PlaceRules } from '../tunnels/tunnel-place.ts'
import { type LentParts, lentHost, lentTunnels, NpcConfError } from './conf-records.ts'
import { NpcControl } from './control-conn.ts'
import type { NpcArrival } from './handshake.ts'
import type { NpcLoan } from './loan.ts'

export interface NpcConfParts {
  /** Of the client's user. */
  readonly account: Account
  readonly registry: Registry
  readonly log: Log
  /** npc brings the same again every few seconds. */
  readonly repeats: Repeats
  /** What may be opened. */
  readonly rules: () => PlaceRules
  /** For all that the program brings, ms. */
  readonly confMs: number
  /** It is about to bring something. */
  readonly lend: (client: LiveClient) => NpcLoan
  /** It has brought all. */
  readonly lent: (client: LiveClient, loan: NpcLoan) => void
}

const MAX_REQUESTS = 1024
/** A request with its tag, length and text. */
const MAX_BYTES = MAX_NPC_JSON_BYTES + 64

/** What a program with a file of its own brings before it comes itself; each of its requests is answered with yes or no. */
export class NpcConf extends NpcControl {
  readonly protocol = 'npc-conf'
  readonly mirrors = true
  readonly #parts: NpcConfParts
  #loan: NpcLoan | undefined = undefined

  constructor(arrival: NpcArrival, parts: NpcConfParts) {
    super(arrival, parts.account)
    this.#parts = parts
  }

  async serve(session: Serving): Promise<void> {
    const reader = new Reader(session.conn, MAX_BYTES)
    session.onStop = (error): void => reader.fail(error)
    session.onShutdown = (): void => reader.fail(new ServiceError('SHUTDOWN'))
    const late = new ServiceError('HANDSHAKE_TIMEOUT')
    const timer = setTimeout(() => reader.fail(late), this.#parts.confMs)
    // No key here is everybody's.
    session.conn.write(encodeNpcBoolean(false))
    try {
      await this.#answerAll(reader, session.conn)
    } finally {
      clearTimeout(timer)
      if (this.#loan !== undefined) this.#parts.lent(this.arrival.client, this.#loan)
    }
  }

  async #answerAll(reader: Reader, conn: Conn): Promise<void> {
    for (let asked = 0; asked < MAX_REQUESTS; asked++) {
      const request = await this.#next(reader)
      if (request === undefined) return
      conn.write(await this.#answer(request))
    }
    throw new ServiceError('HANDSHAKE_TOO_LONG')
  }

  /** The program just closes when it has brought all. */
  async #next(reader: Reader): Promise<NpcConfRequest | undefined> {
    try {
      return await reader.read(decodeNpcConfRequest)
    } catch (error) {
      if (codeOf(error) === 'CLIENT_CLOSED') return undefined
      throw error
    }
  }

  async #answer(request: NpcConfRequest): Promise<Uint8Array> {
    if (request.type === 'status') return encodeNpcStatus(this.#names(request.keyMd5))
    return encodeNpcBoolean(await this.#take(request))
  }

  /** One answer for each request, however many tunnels it makes: all of them, or none. */
  async #take(request: Exclude<NpcConfRequest, { type: 'status' }>): Promise<boolean> {
    const { client } = this.arrival
    const { registry } = this.#parts
    try {
      if (request.type === 'client' || !client.record.mayConfigure) throw new ServiceError('ACCESS_DENIED')
      const parts: LentParts = { clientId: client.record.id, now: Date.now() }
      const tunnels = request.type === 'task' ? await lentTunnels(request.tunnel, parts) : []
      const hosts = request.type === 'host' ? [lentHost(request.host, parts)] : []
      this.#check(tunnels)
      this.#loan ??= this.#parts.lend(client)
      this.#loan.add(registry.lend(client, { tunnels, hosts }))
      return true
    } catch (error) {
      this.#refused(request.type, error)
      return false
    }
  }

  #refused(what: string, error: unknown): void {
    const { id: client } = this.arrival.client.record
    const { log, repeats } = this.#parts
    const isWish = error instanceof NpcConfError || error instanceof RecordError
    const code = isWish ? error.code : codeOf(error)
    const why = error instanceof Error ? error.message : ''
    const times = repeats.due(`${client} ${what} ${code} ${why}`)
    if (times === undefined) return
    // A stack is of use only where it is no wish that is at fault.
    const err = code === 'INTERNAL' ? error : undefined
    log.warn({ client, what, code, why, times, err }, 'conf.refused')
  }

  /** @throws NpcConfError */
  #check(tunnels: readonly TunnelRecord[]): void {
    const { client } = this.arrival
    const rules = this.#parts.rules()
    for (const record of tunnels) {
      const { problem } = placeOf({ record, client }, rules)
      if (problem !== undefined) throw new NpcConfError(problem)
    }
  }

  /** Of what runs; nobody is told of others' tunnels. */
  #names(keyMd5: string): string[] {
    const { client, keyHash } = this.arrival
    if (hashOfMd5(keyMd5) !== keyHash) return []
    const all = [...client.tunnels.values(), ...client.hosts.values()]
    return all.flatMap(({ record }) => (record.enabled && record.remark !== '' ? record.remark : []))
  }
}
