import type { Account, Serving } from '@sluice/service'
import { NpcMux } from '../mux/npc-mux.ts'
import { NpcControl } from './control-conn.ts'
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
export class NpcCarrier extends NpcControl {
  readonly protocol = 'npc-chan'
  /** Each of its bytes is that of a visitor's session. */
  readonly mirrors = true
  readonly #parts: NpcCarrierParts

  constructor(arrival: NpcArrival, parts: NpcCarrierParts) {
    super(arrival, parts.account)
    this.#parts = parts
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
