import type { Account, Log } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { NpcControl } from './control-conn.ts'
import type { NpcArrival } from './handshake.ts'

/** Wants the address that it comes from let in for some hours. There are lists of visitors for that: it is only noted. */
export class NpcRegister extends NpcControl {
  readonly protocol = 'npc-register'
  readonly #hours: number
  readonly #log: Log

  constructor(arrival: NpcArrival, hours: number, parts: { readonly account: Account; readonly log: Log }) {
    super(arrival, parts.account)
    this.#hours = hours
    this.#log = parts.log
  }

  serve(): Promise<void> {
    const { client, from } = this.arrival
    const fields = { client: client.record.id, from: formatAddress(from), hours: this.#hours }
    this.#log.info(fields, 'address.registered')
    return this.reject()
  }
}
