import { type Conn, type Lane, Relay } from '@sluice/net'
import { codeOf, type Serving } from '@sluice/service'
import { type CircuitTerms, encodeRelayFrame, RELAY_STATUS, type RelayStatus } from '@sluice/wire/relay'
import { CappedLane } from './capped-lane.ts'
import { parted } from './channel.ts'
import type { Circuit, CircuitCounts } from './circuit.ts'
import { errorOfStatus } from './refusal-error.ts'
import type { RelayPeer } from './relay-peer.ts'
import { statusOf } from './status-of.ts'
import type { Swept } from './sweeper.ts'

/** One end of a circuit. */
export interface CircuitEnd {
  /** Past the request: carries payload from here on. */
  readonly conn: Conn
  readonly session: Serving
}

/** The destination's, handed over by the session in which it came. */
export interface FarEnd extends CircuitEnd {
  /** The circuit is over; the conn too. */
  over(error: Error | undefined): void
}

export interface CircuitLanes {
  readonly up: Lane
  readonly down: Lane
}

export interface CircuitParts {
  readonly circuit: Circuit<FarEnd>
  readonly near: CircuitEnd
  readonly far: FarEnd
  readonly lanes: CircuitLanes
  /** How long nothing need pass; 0: for ever. */
  readonly idleMs: () => number
  /** Monotonic, ms. */
  readonly now: number
}

/** One open circuit: its two conns, how long and how much, and how it ended. */
export class CircuitRun implements Swept {
  readonly circuit: Circuit<FarEnd>
  readonly #near: CircuitEnd
  readonly #far: FarEnd
  readonly #relay: Relay
  readonly #up: CappedLane
  readonly #down: CappedLane
  readonly #idleMs: () => number
  #seen = 0
  #movedAt: number

  constructor({ circuit, near, far, lanes, idleMs, now }: CircuitParts) {
    const spent = (): void => circuit.cut(RELAY_STATUS.DATA_LIMIT)
    const { data } = circuit.terms
    this.circuit = circuit
    this.#near = near
    this.#far = far
    this.#up = new CappedLane(lanes.up, data, spent)
    this.#down = new CappedLane(lanes.down, data, spent)
    this.#relay = new Relay(near.conn, far.conn, { up: this.#up, down: this.#down }, RELAY_STATUS.PEER_RESET)
    this.#idleMs = idleMs
    this.#movedAt = now
  }

  get counts(): CircuitCounts {
    return { up: this.#up.bytes, down: this.#down.bytes }
  }

  /** Until both ends have ended. @throws NetError CLIENT_RESET, TARGET_RESET; ServiceError where the relay ended it */
  async run(): Promise<void> {
    const { circuit } = this
    const { signal } = circuit
    const stop = (error: Error): void => circuit.cut(statusOf(codeOf(error)))
    for (const { session } of [this.#near, this.#far]) session.onStop = stop
    for (const { session } of [this.#near, this.#far]) session.onShutdown = undefined
    this.#near.conn.write(connected(circuit, circuit.destination))
    this.#far.conn.write(connected(circuit, circuit.source))
    const running = this.#relay.run()
    const cut = (): void => this.#cut(circuit.status!)
    signal.addEventListener('abort', cut)
    if (signal.aborted) cut()
    let error: Error | undefined
    try {
      await running
    } catch (cause) {
      error = cause as Error
      throw cause
    } finally {
      circuit.close(error === undefined ? RELAY_STATUS.OK : statusOf(codeOf(error)), this.counts)
      await Promise.all([parted(this.#near.conn), parted(this.#far.conn)])
      this.#far.over(error)
    }
  }

  sweep(now: number): void {
    const moved = this.#up.bytes + this.#down.bytes
    this.#near.session.touch()
    if (moved !== this.#seen) {
      this.#seen = moved
      this.#movedAt = now
    }
    const idleMs = this.#idleMs()
    if (idleMs > 0 && now - this.#movedAt >= idleMs) this.circuit.cut(RELAY_STATUS.IDLE_TIMEOUT)
  }

  #cut(status: RelayStatus): void {
    this.#relay.cut(errorOfStatus(status), status)
  }
}

const connected = (
  { id, terms }: Circuit<FarEnd>,
  { nodeId: peer, publicKey: peerKey }: RelayPeer,
): Uint8Array => {
  const { duration, data, rate }: CircuitTerms = terms
  return encodeRelayFrame({ type: 'connected', circuitId: id, peer, peerKey, duration, data, rate })
}
