import { type Conn, refuse } from '@sluice/net'
import {
  type Account,
  codeOf,
  type ErrorCode,
  type ServedRequest,
  type Serving,
  ServiceError,
} from '@sluice/service'
import { type Accept, encodeRelayFrame } from '@sluice/wire/relay'
import type { Circuit } from './circuit.ts'
import type { CircuitDesk } from './circuit-desk.ts'
import type { FarEnd } from './circuit-run.ts'
import { errorOf } from './refusal-error.ts'
import { RelayRefusal } from './relay-refusal.ts'
import { statusOf } from './status-of.ts'
import type { Who } from './who.ts'

/** A conn that a destination opens for a circuit that it was told of: the session of its source carries the payload. */
export class ArrivalConn implements ServedRequest {
  readonly protocol = 'accept'
  readonly target = undefined
  readonly mirrors = true
  readonly inCircuit = true
  readonly #desk: CircuitDesk
  readonly #conn: Conn
  readonly #who: Who
  readonly #accept: Accept

  constructor(desk: CircuitDesk, conn: Conn, who: Who, accept: Accept) {
    this.#desk = desk
    this.#conn = conn
    this.#who = who
    this.#accept = accept
  }

  get account(): Account {
    return this.#who.account
  }

  get credential(): object | undefined {
    return this.#who.credential
  }

  /** The source need not wait for a destination that may not come in. */
  async reject(code: ErrorCode): Promise<void> {
    try {
      this.#claim().close(statusOf('PEER_LEFT'))
    } catch {
      // Nobody waits for it.
    }
    await this.#refuse(code)
  }

  async serve(session: Serving): Promise<void> {
    const over = Promise.withResolvers<void>()
    const far: FarEnd = {
      conn: this.#conn,
      session,
      over: (error) => (error === undefined ? over.resolve() : over.reject(error)),
    }
    let circuit: Circuit<FarEnd>
    try {
      circuit = this.#claim()
      session.onStop = (error): void => circuit.cut(statusOf(codeOf(error)))
      if (!circuit.open(far)) throw new ServiceError('ACCEPT_INVALID')
    } catch (error) {
      session.onStop = undefined
      await this.#refuse(codeOf(error))
      throw error
    }
    await over.promise
  }

  /** @throws ServiceError ACCEPT_INVALID */
  #claim(): Circuit<FarEnd> {
    const { circuitId, token } = this.#accept
    try {
      return this.#desk.circuits.accept(this.#who, circuitId, token)
    } catch (error) {
      throw error instanceof RelayRefusal ? errorOf(error) : error
    }
  }

  #refuse(code: ErrorCode): Promise<void> {
    const status = statusOf(code)
    const words = { type: 'connectRefused', status, retryAfter: 0, reason: '', address: '' } as const
    return refuse(this.#conn, encodeRelayFrame(words))
  }
}
