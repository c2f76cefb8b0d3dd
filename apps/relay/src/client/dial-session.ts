import { type Conn, type ConnSink, NetError } from '@sluice/net'
import type { Log } from '@sluice/service'
import type { CircuitSession } from './circuit-session.ts'
import type { Outcome } from './outcome.ts'
import type { Peer } from './peer.ts'
import type { Cuttable } from './peer-end.ts'

export interface DialSessionParts {
  readonly peer: Peer
  /** NodeID in Base58. */
  readonly target: string
  readonly waitMs: number
  readonly log: Log
}

/** One local client of `relay peer dial`: waits for its circuit, then is one end of it. */
export class DialSession implements ConnSink, Cuttable {
  readonly #client: Conn
  readonly #session: CircuitSession
  readonly #parts: DialSessionParts
  readonly #abort = new AbortController()

  constructor(client: Conn, session: CircuitSession, parts: DialSessionParts) {
    this.#client = client
    this.#session = session
    this.#parts = parts
  }

  get isCarrying(): boolean {
    return this.#session.isCarrying
  }

  cut(error: Error): void {
    this.#abort.abort(error)
    this.#session.cut(error)
  }

  /** Never throws. */
  async run(): Promise<Outcome> {
    let error: unknown
    try {
      const circuit = await this.#reach()
      await this.#session.carry(this.#client, circuit)
    } catch (cause) {
      error = cause
      // What never began must not look like something that was done.
      this.#client.attach(undefined)
      this.#client.reset()
    }
    this.#parts.peer.freed()
    return this.#session.over(error)
  }

  /** A circuit; given up when the client leaves. */
  async #reach(): Promise<Conn> {
    const { peer, target, waitMs, log } = this.#parts
    const { signal } = this.#abort
    this.#client.attach(this)
    this.#client.resume()
    try {
      const { conn, relay } = await peer.dial(target, {
        ...{ signal, waitMs },
        onWait: ({ reason, message }) =>
          log.warn({ peer: target, limit: reason, why: message }, 'circuit.waits'),
      })
      this.#session.note({ relay })
      if (signal.aborted) conn.reset()
      signal.throwIfAborted()
      return conn
    } finally {
      this.#client.attach(undefined)
    }
  }

  /** @internal What comes early waits in the conn. */
  onData(chunk: Uint8Array): void {
    this.#client.pause()
    this.#client.unread(chunk)
  }

  /** @internal */
  onEnd(): void {}

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onClose(cause: Error | undefined): void {
    this.#abort.abort(new NetError('CLIENT_CLOSED', 'the client left before there was a circuit', { cause }))
  }
}
