import { type Conn, refuse } from '@sluice/net'
import type { Account, Levels, ServedRequest, Serving } from '@sluice/service'
import type { NpcArrival } from './handshake.ts'

const NOTHING = new Uint8Array(0)

/** A conn of a program that is no visitor's. It counts to the client, and is refused without a word. */
export abstract class NpcControl implements ServedRequest {
  abstract readonly protocol: string
  readonly target = undefined
  readonly isControl = true
  readonly arrival: NpcArrival
  /** Of the client's user. */
  readonly account: Account

  constructor(arrival: NpcArrival, account: Account) {
    this.arrival = arrival
    this.account = account
  }

  get levels(): Levels {
    return [this.arrival.client.account]
  }

  /** For the log. */
  get fields(): { readonly clientId: number } {
    return { clientId: this.arrival.client.record.id }
  }

  protected get conn(): Conn {
    return this.arrival.conn
  }

  reject(): Promise<void> {
    return refuse(this.conn, NOTHING)
  }

  abstract serve(session: Serving): Promise<void>
}
