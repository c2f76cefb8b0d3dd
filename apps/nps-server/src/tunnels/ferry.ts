import type { Clock } from '@sluice/ratelimit'
import { DatagramQueue, type DropReason, type DatagramSession, ServiceError } from '@sluice/service'
import { IdleWatch } from './idle-watch.ts'

/** Whose datagrams pass, in the eyes of a ferry. */
export type FerrySession = Pick<DatagramSession, 'lanes' | 'metrics'>

export interface FerryOptions<Peer> {
  readonly session: FerrySession
  readonly clock: Clock
  readonly idleMs: number
  /** Towards the client program. @returns whether it was taken */
  readonly up: (payload: Uint8Array, to: Peer) => boolean
  /** Towards the visitor. */
  readonly down: (payload: Uint8Array, from: Peer) => void
  /** Nothing has passed for `idleMs`. */
  readonly onIdle: (error: ServiceError) => void
}

/** Datagrams of one visitor, both ways: limited, counted, and none that has waited for long. `Peer` is who is beyond. */
export class Ferry<Peer> {
  readonly #options: FerryOptions<Peer>
  readonly #up: DatagramQueue<Peer>
  readonly #down: DatagramQueue<Peer>
  readonly #idle: IdleWatch
  #isClosed = false

  constructor(options: FerryOptions<Peer>) {
    const { clock, idleMs: ms, onIdle } = options
    this.#options = options
    this.#up = this.#queue('up', (payload, to) => options.up(payload, to))
    this.#down = this.#queue('down', (payload, from) => {
      options.down(payload, from)
      return true
    })
    this.#idle = new IdleWatch({ clock, ms, onIdle: () => onIdle(new ServiceError('IDLE_TIMEOUT')) })
  }

  /** @param payload the ferry's from now on */
  up(payload: Uint8Array, to: Peer): void {
    if (this.#isClosed) this.drop('closed')
    else this.#up.offer(payload, to)
  }

  /** @param payload the ferry's from now on */
  down(payload: Uint8Array, from: Peer): void {
    if (this.#isClosed) this.drop('closed')
    else this.#down.offer(payload, from)
  }

  drop(reason: DropReason): void {
    this.#options.session.metrics.datagramDropped(reason)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#idle[Symbol.dispose]()
    this.#up.clear()
    this.#down.clear()
  }

  #queue(direction: 'up' | 'down', send: (payload: Uint8Array, peer: Peer) => boolean): DatagramQueue<Peer> {
    const { session, clock } = this.#options
    return new DatagramQueue<Peer>({
      lane: session.lanes[direction],
      now: () => clock.now(),
      onDrop: () => this.drop(this.#isClosed ? 'closed' : 'queue'),
      send: (payload, peer) => {
        this.#idle.touch()
        if (!send(payload, peer)) return false
        session.metrics.datagrams[direction] += 1
        return true
      },
    })
  }
}
