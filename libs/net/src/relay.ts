import type { Conn, ConnSink } from './conn.ts'
import { NetError, type NetErrorCode } from './net-error.ts'

/** Where a lane's bytes get leave to go. `ShapedFlow` of @sluice/ratelimit is one. */
export interface Limiter {
  /** @returns how many of `bytes` may go now; 0: the lane's `onGrant` will be told once how many */
  take(bytes: number): number
}

/** One direction of a relay: who limits it and who counts it. */
export interface Lane {
  /** None where nothing limits the lane; may be set while it runs, and then stays. */
  limiter: Limiter | undefined
  /** For the limiter to call; set by the relay. */
  onGrant: (bytes: number) => void
  /** `bytes` of payload have gone towards the other end. */
  count(bytes: number): void
}

/** Reads of a limited lane stay this small, so that the chunks it takes turns with are of one size. */
const LIMITED_READ = 64 * 1024

/** One conn of a relay, with the lane that leads away from it. */
class End implements ConnSink {
  readonly conn: Conn
  readonly lane: Lane
  readonly resetCode: NetErrorCode
  readonly #relay: Relay
  peer!: End
  /** Bytes read that the limiter has not let go yet, from `#offset` on. */
  #held: Uint8Array | undefined = undefined
  #offset = 0
  /** The other conn has not taken the last write yet. */
  #blocked = false
  /** The end of this conn's data has been passed on. */
  done = false

  constructor(relay: Relay, conn: Conn, lane: Lane, resetCode: NetErrorCode) {
    this.#relay = relay
    this.conn = conn
    this.lane = lane
    this.resetCode = resetCode
    lane.onGrant = (bytes) => this.#granted(bytes)
  }

  onData(chunk: Uint8Array): void {
    if (this.lane.limiter === undefined) {
      if (!this.peer.conn.write(chunk)) this.#blocked = true
      this.lane.count(chunk.length)
      if (!this.#blocked) return
    } else {
      this.conn.readLimit = LIMITED_READ
      this.#held = chunk
      this.#offset = 0
      this.#drive()
    }
    if (this.#blocked || this.#held !== undefined) this.conn.pause()
  }

  onEnd(): void {
    // While anything is held or blocked the conn is paused, and tells of no end.
    this.done = true
    this.peer.conn.end()
  }

  onDrain(): void {
    this.peer.#unblock()
  }

  onClose(error: Error | undefined): void {
    this.#relay.onClose(this, error)
  }

  /** What is held is lost, and grants that are still to come find nothing. */
  cut(): void {
    this.#held = undefined
    this.conn.attach(undefined)
    this.conn.reset()
  }

  #unblock(): void {
    if (!this.#blocked) return
    this.#blocked = false
    this.#drive()
    this.#goOn()
  }

  #granted(bytes: number): void {
    if (this.#held === undefined) return
    this.#put(bytes)
    this.#drive()
    this.#goOn()
  }

  /** Lets go of what is held, as far as the limiter and the other conn allow. */
  #drive(): void {
    while (this.#held !== undefined && !this.#blocked) {
      const granted = this.lane.limiter!.take(this.#held.length - this.#offset)
      if (granted === 0) return
      this.#put(granted)
    }
  }

  #put(bytes: number): void {
    const held = this.#held!
    const piece = bytes === held.length ? held : held.subarray(this.#offset, this.#offset + bytes)
    this.#offset += bytes
    if (this.#offset === held.length) this.#held = undefined
    if (!this.peer.conn.write(piece)) this.#blocked = true
    // Last: a count that uses up a quota may cut the relay.
    this.lane.count(bytes)
  }

  #goOn(): void {
    if (!this.#blocked && this.#held === undefined) this.conn.resume()
  }
}

/**
 * Copies both ways between two conns until both have ended, the one loop that all doors share. An end one way is
 * passed on as a half-close that way only; a conn that breaks, and a cut, reset both, so that it never looks done.
 */
export class Relay {
  readonly #client: End
  readonly #target: End
  #settle: ((error: Error | undefined) => void) | undefined = undefined

  constructor(client: Conn, target: Conn, lanes: { up: Lane; down: Lane }) {
    this.#client = new End(this, client, lanes.up, 'CLIENT_RESET')
    this.#target = new End(this, target, lanes.down, 'TARGET_RESET')
    this.#client.peer = this.#target
    this.#target.peer = this.#client
  }

  /**
   * Settles when both conns are closed and all that was read has been written.
   * @throws NetError CLIENT_RESET or TARGET_RESET where a conn broke first, or what `cut` was given
   */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error))
      const ends = [this.#client, this.#target]
      for (const end of ends) end.conn.attach(end)
      for (const end of ends) end.conn.resume()
    })
  }

  /** Ends it now: both ends see a reset. */
  cut(error: Error): void {
    const settle = this.#settle
    if (settle === undefined) return
    this.#settle = undefined
    this.#client.cut()
    this.#target.cut()
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
    this.cut(new NetError(end.resetCode, `the ${who} broke off`, { cause }))
  }
}
