import { type Conn, NetError, Reader, refuse } from '@sluice/net'
import {
  type Account,
  codeOf,
  type ErrorCode,
  OUTCOMES,
  type ServedRequest,
  ServiceError,
  type Serving,
} from '@sluice/service'
import { type ConnectFrame, encodeRelayFrame, formatNodeId, MAX_BODY, RELAY_STATUS } from '@sluice/wire/relay'
import { parted } from './channel.ts'
import type { Circuit } from './circuit.ts'
import type { CircuitDesk } from './circuit-desk.ts'
import type { FarEnd } from './circuit-run.ts'
import { readKnown } from './login.ts'
import { PeerWait } from './peer-wait.ts'
import { errorOf } from './refusal-error.ts'
import { RelayRefusal } from './relay-refusal.ts'
import { statusOf } from './status-of.ts'
import type { Who } from './who.ts'

const HEAD_BYTES = 4

interface Found {
  readonly circuit: Circuit<FarEnd>
  readonly far: FarEnd
}

/** A conn on which a peer asks for a circuit, again and again until it gets one; then it is one end of it. */
export class SourceConn implements ServedRequest {
  readonly protocol = 'connect'
  readonly target = undefined
  readonly inCircuit = true
  readonly #desk: CircuitDesk
  readonly #conn: Conn
  readonly #who: Who
  readonly #first: ConnectFrame
  /** The last no. */
  #refused: RelayRefusal | undefined = undefined

  constructor(desk: CircuitDesk, conn: Conn, who: Who, first: ConnectFrame) {
    this.#desk = desk
    this.#conn = conn
    this.#who = who
    this.#first = first
  }

  get account(): Account {
    return this.#who.account
  }

  get credential(): object | undefined {
    return this.#who.credential
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, refusalOf(code))
  }

  async serve(session: Serving): Promise<void> {
    let request: ConnectFrame | undefined = this.#first
    try {
      while (request !== undefined) {
        const found = await this.#ask(request, session)
        if (found !== undefined) {
          return await this.#desk.run(found.circuit, { conn: this.#conn, session }, found.far)
        }
        request = await this.#next(session)
      }
    } catch (error) {
      if (!this.#conn.closed) await this.reject(codeOf(error))
      throw error
    }
    throw errorOf(this.#refused!)
  }

  /** @returns undefined where the peer was told no */
  async #ask({ destination }: ConnectFrame, session: Serving): Promise<Found | undefined> {
    const since = this.#desk.now()
    let circuit: Circuit<FarEnd> | undefined
    using wait = new PeerWait(this.#conn, session)
    try {
      circuit = await this.#desk.connect(this.#who, formatNodeId(destination))
      const far = await wait.until(circuit.accepted)
      this.#desk.answered(since)
      return { circuit, far }
    } catch (error) {
      if (error instanceof RelayRefusal) {
        this.#refused = error
        this.#desk.answered(since, error)
        // Or somebody who asks on and on, and does not read, would have us keep all the answers.
        if (!this.#conn.write(encodeRelayFrame(this.#desk.refusal(error)))) await wait.drained()
        return undefined
      }
      if (circuit !== undefined) await abandon(circuit, error as Error)
      throw error
    }
  }

  /** undefined: the peer has had enough */
  async #next(session: Serving): Promise<ConnectFrame | undefined> {
    const reader = new Reader(this.#conn, HEAD_BYTES + MAX_BODY.AFTER_AUTH)
    session.onStop = (error): void => reader.fail(error)
    session.onShutdown = (): void => reader.fail(new ServiceError('SHUTDOWN'))
    try {
      const frame = await reader.read(readKnown)
      if (frame.type === 'connect') return frame
      throw new ServiceError('MESSAGE_UNEXPECTED', `${frame.type} in the place of CONNECT`)
    } catch (error) {
      if (error instanceof NetError && error.code === 'CLIENT_CLOSED') return undefined
      throw error
    } finally {
      session.onStop = session.onShutdown = undefined
      reader.release()
    }
  }
}

/** Nobody waits for it any more; its destination may have come just now. */
const abandon = async (circuit: Circuit<FarEnd>, error: Error): Promise<void> => {
  const status = statusOf(codeOf(error))
  const isOpen = circuit.state === 'open'
  circuit.close(status)
  if (!isOpen) return
  const far = await circuit.accepted
  far.conn.reset(status)
  await parted(far.conn)
  far.over(error)
}

const refusalOf = (code: ErrorCode): Uint8Array => {
  const status = statusOf(code)
  const reason = status === RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED ? OUTCOMES[code].limit : undefined
  return encodeRelayFrame({
    type: 'connectRefused',
    status,
    retryAfter: 0,
    reason: reason ?? OUTCOMES[code].text,
    address: '',
  })
}
