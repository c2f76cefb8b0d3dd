import type { Account, Log } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { NpcControl } from './control-conn.ts'
import type { NpcArrival } from './handshake.ts'

/** Has the address that it comes from let in for some hours, where its client lets in such addresses alone. */
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
    const until = new Date(client.registered.add(from.host, this.#hours, Date.now())).toISOString()
    const fields = { client: client.record.id, from: formatAddress(from), hours: this.#hours, until }
    this.#log.info(fields, 'address.registered')
    return this.reject()
  }
}
