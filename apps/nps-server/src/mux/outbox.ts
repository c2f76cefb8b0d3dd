import type { Conn } from '@sluice/net'
import { POOL } from './buffers.ts'
import { FrameList } from './frame-list.ts'

/** Who has frames with payload to send. */
export interface FrameSource {
  /** It has something to send, and leave of the peer. */
  readonly isReady: boolean
  /** Octets that its frames take, those of the head included. */
  readonly backlog: number
  /** Writes one turn's share, at least one octet of payload. @returns the index behind it */
  writeFrames(out: Uint8Array, at: number, end: number): number
  /** It has had its turn in the queue. */
  onTurn(): void
  /** @internal Of the queue. */
  next: FrameSource | undefined
  /** @internal */
  isQueued: boolean
}

/** In front of and behind the payload, for the small frames that go with it. */
const SIDE = 2048
/** A large batch; the pool has 600 KiB for it. */
const LARGE = 600 * 1024
/** A batch of so much does not wait for the end of the turn. */
const EAGER = 64 * 1024
/** Of it, what streams leave to messages, which are dropped where there is no room. */
const RESERVED = 68 * 1024
/** No batch is topped up with less. */
const LEAST = 8192

/**
 * Gathers what the streams of a mux have to send, so that the carrier is written to once in a turn of the event loop, or when there is
 * a batch. While the carrier is busy one more batch is filled; who finds no room then waits in a queue, from which each sends one
 * frame in its turn. Small frames never wait for room.
 */
export class Outbox {
  /** Go in front of all payload. */
  readonly control: FrameList = new FrameList()
  /** Go behind the payload that was written before them. */
  readonly tail: FrameList = new FrameList()
  readonly #conn: Conn
  readonly #wake: () => void
  #batch: Uint8Array | undefined
  #end = SIDE
  /** What the carrier has not taken yet. */
  #lent: Uint8Array | undefined
  #isBusy = false
  #isClosed = false
  #first: FrameSource | undefined
  #last: FrameSource | undefined
  #isPumping = false

  /** @param wake is to have `flush` called at the end of the turn */
  constructor(conn: Conn, wake: () => void) {
    this.#conn = conn
    this.#wake = wake
  }

  /** Something was added to `control` or `tail`. */
  touch(): void {
    if (!this.#isBusy) this.#wake()
  }

  /** Takes of `source` what there is room for; it is in the queue for the rest that may go now. */
  offer(source: FrameSource): void {
    if (source.isQueued || this.#isClosed) return
    if (this.#first === undefined && !this.#isPumping) while (source.isReady && this.#put(source));
    if (source.isReady) this.#enqueue(source)
    this.#written()
  }

  /** @returns whether it went out, all or nothing */
  send(source: FrameSource): boolean {
    const { backlog } = source
    if (this.#isClosed) return false
    if (!this.#makeRoom(backlog, backlog, 0) && !this.#startOver(backlog)) return false
    const batch = this.#batch!
    this.#end = source.writeFrames(batch, this.#end, limitOf(batch, 0))
    this.#written()
    return true
  }

  /** @returns whether there is room for a batch now */
  flush(): boolean {
    if (this.#isBusy || this.#isClosed) return false
    const { control, tail } = this
    if (this.#batch === undefined && control.size + tail.size === 0) return true
    const batch = this.#batch ?? POOL.take(2 * SIDE)
    let from = SIDE
    let isOut = true
    if (control.size > SIDE) isOut = this.#conn.write(control.take())
    else control.moveTo(batch, (from -= control.size))
    const late = tail.size > batch.length - this.#end ? tail.take() : undefined
    const to = this.#end + tail.size
    tail.moveTo(batch, this.#end)
    this.#batch = undefined
    this.#end = SIDE
    if (to > from) isOut = this.#conn.write(batch.subarray(from, to))
    if (late !== undefined) isOut = this.#conn.write(late)
    if (isOut) POOL.give(batch)
    else this.#lent = batch
    this.#isBusy = !isOut
    return true
  }

  /** The carrier has taken the last write. */
  onDrain(): void {
    this.#isBusy = false
    if (this.#lent !== undefined) POOL.give(this.#lent)
    this.#lent = undefined
    this.pump()
    this.flush()
  }

  /** Gives those in the queue their turns, as long as there is room. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    let source = this.#first
    while (source !== undefined && (!source.isReady || this.#put(source))) {
      this.#first = source.next
      if (this.#first === undefined) this.#last = undefined
      source.next = undefined
      source.isQueued = false
      if (source.isReady) this.#enqueue(source)
      source.onTurn()
      source = this.#first
    }
    this.#isPumping = false
  }

  /** Nothing goes out any more but what `flush` has written. What the carrier still holds is not used again. */
  close(): void {
    this.#isClosed = true
    if (this.#batch !== undefined) POOL.give(this.#batch)
    this.#batch = this.#lent = this.#first = this.#last = undefined
  }

  #written(): void {
    if (this.#isBusy) return
    if (this.#end - SIDE >= EAGER) this.flush()
    else this.#wake()
  }

  #enqueue(source: FrameSource): void {
    source.isQueued = true
    if (this.#last === undefined) this.#first = source
    else this.#last.next = source
    this.#last = source
  }

  #put(source: FrameSource): boolean {
    const { backlog } = source
    const least = Math.min(backlog, LEAST)
    if (!this.#makeRoom(backlog, least, RESERVED) && !this.#startOver(backlog)) return false
    const batch = this.#batch!
    this.#end = source.writeFrames(batch, this.#end, limitOf(batch, RESERVED))
    return true
  }

  #startOver(backlog: number): boolean {
    return this.flush() && this.#makeRoom(backlog, 0, 0)
  }

  #makeRoom(backlog: number, least: number, reserved: number): boolean {
    const batch = this.#batch
    if (batch === undefined) {
      this.#batch = POOL.take(Math.min(backlog + 2 * SIDE, LARGE))
      return true
    }
    const free = limitOf(batch, reserved) - this.#end
    if (free >= backlog) return true
    if (batch.length >= LARGE) return free >= least
    this.#batch = POOL.take(LARGE)
    this.#batch.set(batch.subarray(SIDE, this.#end), SIDE)
    POOL.give(batch)
    return true
  }
}

const limitOf = (batch: Uint8Array, reserved: number): number =>
  batch.length - SIDE - (batch.length < LARGE ? 0 : reserved)
