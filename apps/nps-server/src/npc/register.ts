import { refuse } from '@sluice/net'
import { type Account, type Levels, type Log, type ServedRequest } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import type { NpcArrival } from './handshake.ts'

const NOTHING = new Uint8Array(0)

/** Wants the address that it comes from let in for some hours. There are lists of visitors for that: it is only noted. */
export class NpcRegister implements ServedRequest {
  readonly protocol = 'npc-register'
  readonly target = undefined
  readonly isControl = true
  readonly #arrival: NpcArrival
  readonly #hours: number
  readonly #parts: { readonly account: Account; readonly log: Log }

  constructor(arrival: NpcArrival, hours: number, parts: { readonly account: Account; readonly log: Log }) {
    this.#arrival = arrival
    this.#hours = hours
    this.#parts = parts
  }

  get levels(): Levels {
    return [this.#arrival.client.account]
  }

  get account(): Account {
    return this.#parts.account
  }

  reject(): Promise<void> {
    return refuse(this.#arrival.conn, NOTHING)
  }

  serve(): Promise<void> {
    const { client, from, conn } = this.#arrival
    const fields = { client: client.record.id, from: formatAddress(from), hours: this.#hours }
    this.#parts.log.info(fields, 'address.registered')
    return refuse(conn, NOTHING)
  }
}
