import { refuse } from '@sluice/net'
import type { Account, Levels, ServedRequest, Serving } from '@sluice/service'
import { NpcMux } from '../mux/npc-mux.ts'
import type { NpcArrival } from './handshake.ts'

export interface NpcCarrierParts {
  /** Of the client's user. */
  readonly account: Account
  /** Without any byte from the program for so long it is dead. */
  readonly deadMs: number
  readonly onServe: (mux: NpcMux) => void
  /** The program stops. */
  readonly onShutdown: (mux: NpcMux) => void
  /** It is closed, whoever did that. */
  readonly onClose: (mux: NpcMux) => void
}

/** A conn that carries streams to a program. */
export class NpcCarrier implements ServedRequest {
  readonly protocol = 'npc-chan'
  readonly target = undefined
  readonly isControl = true
  /** Each of its bytes is that of a visitor's session. */
  readonly mirrors = true
  readonly #arrival: NpcArrival
  readonly #parts: NpcCarrierParts

  constructor(arrival: NpcArrival, parts: NpcCarrierParts) {
    this.#arrival = arrival
    this.#parts = parts
  }

  get levels(): Levels {
    return [this.#arrival.client.account]
  }

  get fields(): { readonly clientId: number } {
    return { clientId: this.#arrival.client.record.id }
  }

  get account(): Account {
    return this.#parts.account
  }

  reject(): Promise<void> {
    return refuse(this.#arrival.conn, new Uint8Array(0))
  }

  serve(session: Serving): Promise<void> {
    const { deadMs, onServe, onShutdown, onClose } = this.#parts
    return new Promise((resolve, reject) => {
      const mux: NpcMux = new NpcMux({
        conn: session.conn,
        deadMs,
        onClose: (error) => {
          onClose(mux)
          if (error === undefined) resolve()
          else reject(error)
        },
      })
      session.onStop = (error): void => mux.close(error)
      session.onShutdown = (): void => onShutdown(mux)
      onServe(mux)
    })
  }
}
