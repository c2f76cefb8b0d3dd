import type { Conn, ConnSink } from './conn.ts'
import { type Lane, type LaneSource, LaneWriter } from './lane-writer.ts'
import { NetError, type NetErrorCode } from './net-error.ts'

/** Reads of a limited lane stay this small, so that the chunks it takes turns with are of one size. */
export const LIMITED_READ: number = 64 * 1024

/** One conn of a relay, with the lane that leads away from it. */
class End implements ConnSink, LaneSource {
  readonly conn: Conn
  readonly writer: LaneWriter
  readonly resetCode: NetErrorCode
  readonly #relay: Relay
  peer!: End
  /** The end of this conn's data has been passed on. */
  done = false

  constructor(relay: Relay, conn: Conn, lane: Lane, resetCode: NetErrorCode) {
    this.#relay = relay
    this.conn = conn
    this.resetCode = resetCode
    this.writer = new LaneWriter(lane, this)
  }

  onData(chunk: Uint8Array): void {
    if (this.writer.lane.limiter !== undefined) this.conn.readLimit = LIMITED_READ
    if (!this.writer.write(chunk)) this.conn.pause()
  }

  onFree(): void {
    this.conn.resume()
  }

  onEnd(): void {
    // While anything is held or blocked the conn is paused, and tells of no end.
    this.done = true
    this.peer.conn.end()
  }

  onDrain(): void {
    this.peer.writer.onDrain()
  }

  onClose(error: Error | undefined): void {
    this.#relay.onClose(this, error)
  }

  /** What is held is lost, and grants that are still to come find nothing. */
  cut(reason?: number): void {
    this.writer.clear()
    this.conn.attach(undefined)
    this.conn.reset(reason)
  }
}

/**
 * Copies both ways between two conns until both have ended, the one loop that all doors share. An end one way is
 * passed on as a half-close that way only; a conn that breaks, and a cut, reset both, so that it never looks done.
 */
export class Relay {
  readonly #client: End
  readonly #target: End
  readonly #broken: number | undefined
  #settle: ((error: Error | undefined) => void) | undefined = undefined

  /** @param broken what the one end is told where the other one breaks; see {@link Conn.reset} */
  constructor(client: Conn, target: Conn, lanes: { up: Lane; down: Lane }, broken?: number) {
    this.#broken = broken
    this.#client = new End(this, client, lanes.up, 'CLIENT_RESET')
    this.#target = new End(this, target, lanes.down, 'TARGET_RESET')
    this.#client.peer = this.#target
    this.#target.peer = this.#client
    this.#client.writer.to = target
    this.#target.writer.to = client
  }

  /**
   * Settles when both conns are closed and all that was read has been written.
   * @throws NetError CLIENT_RESET or TARGET_RESET where a conn broke first, or what `cut` was given
   */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined): void => (error === undefined ? resolve() : reject(error))
      this.#settle = settle
      const ends = [this.#client, this.#target]
      for (const end of ends) end.conn.attach(end)
      for (const end of ends) end.conn.resume()
    })
  }

  /** Ends it now: both ends see a reset, and the reason where there are words for it; see {@link Conn.reset}. */
  cut(error: Error, reason?: number): void {
    const settle = this.#settle
    if (settle === undefined) return
    this.#settle = undefined
    this.#client.cut(reason)
    this.#target.cut(reason)
    settle(error)
  }

  /** @internal */
  onClose(end: End, cause: Error | undefined): void {
    if (end.done && end.peer.done && cause === undefined) {
      if (!end.peer.conn.closed) return
      this.#settle?.(undefined)
      this.#settle = undefined
      return
    }
    const who = end === this.#client ? 'client' : 'target'
    this.cut(new NetError(end.resetCode, `the ${who} broke off`, { cause }), this.#broken)
  }
}
