import type { Conn } from './conn.ts'

/** Where a lane's bytes get leave to go. `ShapedFlow` of @sluice/ratelimit is one. */
export interface Limiter {
  /** @returns how many of `bytes` may go now; 0: the lane's `onGrant` will be told once how many */
  take(bytes: number): number
}

/** One direction of a relay: who limits it and who counts it. */
export interface Lane {
  /** None where nothing limits the lane; may be set while it runs, and then stays. */
  limiter: Limiter | undefined
  /** For the limiter to call; set by whoever writes along the lane. */
  onGrant: (bytes: number) => void
  /** `bytes` of payload have gone towards the other end. */
  count(bytes: number): void
}

/** Who writes along a lane. */
export interface LaneSource {
  /** All has gone that could not go at once. */
  onFree(): void
}

/**
 * Writes along one lane: as much as its limiter lets go, as fast as the conn takes it. Holds one chunk at the most, so
 * whoever got false has to wait for `onFree`, and the chunk has to stay as it is until then.
 */
export class LaneWriter {
  readonly lane: Lane
  /** Where to; to be changed only while the writer is free. */
  to: Pick<Conn, 'write'> | undefined = undefined
  readonly #source: LaneSource
  /** Bytes that the limiter has not let go yet, from `#offset` on. */
  #held: Uint8Array | undefined = undefined
  #offset = 0
  /** The conn has not taken the last write yet. */
  #blocked = false
  /** The first bytes of what is held go together, once leave for `#toll` is there. */
  #lead = 0
  #toll = 0

  constructor(lane: Lane, source: LaneSource) {
    this.lane = lane
    this.#source = source
    // What is written as a function right where it becomes a property is an old object to V8 from the start: it would keep
    // this writer, and all that leads on from it, until the whole heap is marked.
    const onGrant = (bytes: number): void => this.#granted(bytes)
    lane.onGrant = onGrant
  }

  get free(): boolean {
    return !this.#blocked && this.#held === undefined
  }

  /** @returns whether all of it went at once */
  write(chunk: Uint8Array): boolean {
    if (this.lane.limiter === undefined) {
      if (!this.to!.write(chunk)) this.#blocked = true
      this.lane.count(chunk.length)
      return !this.#blocked
    }
    // No limiter gives leave for nothing.
    if (chunk.length > 0) this.#hold(chunk)
    return this.free
  }

  /**
   * As `write`, where the first `lead` bytes of `chunk` stand for `weight` bytes of payload, of which they were made or
   * which they are not at all: they go together, and it is those that are limited and counted.
   */
  writeInstead(chunk: Uint8Array, lead: number, weight: number): boolean {
    if (this.lane.limiter === undefined) {
      if (!this.to!.write(chunk)) this.#blocked = true
      this.lane.count(chunk.length - lead + weight)
      return !this.#blocked
    }
    this.#lead = lead
    this.#toll = weight
    if (weight === 0) this.#putLead(chunk)
    if (lead < chunk.length || weight > 0) this.#hold(chunk, weight === 0 ? lead : 0)
    return this.free
  }

  /** The conn has taken the last write. */
  onDrain(): void {
    if (!this.#blocked) return
    this.#blocked = false
    this.#drive()
    if (this.free) this.#source.onFree()
  }

  /** What is held is lost, and grants that are still to come find nothing. */
  clear(): void {
    this.#held = undefined
    this.#blocked = false
    this.#toll = 0
  }

  #hold(chunk: Uint8Array, offset = 0): void {
    this.#held = chunk
    this.#offset = offset
    this.#drive()
  }

  #granted(bytes: number): void {
    if (this.#held === undefined) return
    this.#put(bytes)
    this.#drive()
    if (this.free) this.#source.onFree()
  }

  /** Lets go of what is held, as far as the limiter and the conn allow. */
  #drive(): void {
    while (this.#held !== undefined && !this.#blocked) {
      const wanted = this.#toll > 0 ? this.#toll : this.#held.length - this.#offset
      const granted = this.lane.limiter!.take(wanted)
      if (granted === 0) return
      this.#put(granted)
    }
  }

  #put(bytes: number): void {
    const held = this.#held!
    if (this.#toll > 0) {
      this.#toll -= bytes
      if (this.#toll === 0) this.#putLead(held)
    } else {
      const piece = bytes === held.length ? held : held.subarray(this.#offset, this.#offset + bytes)
      this.#offset += bytes
      if (!this.to!.write(piece)) this.#blocked = true
    }
    if (this.#toll === 0 && this.#offset === held.length) this.#held = undefined
    // Last: a count that uses up a quota may cut whoever writes.
    this.lane.count(bytes)
  }

  #putLead(chunk: Uint8Array): void {
    this.#offset = this.#lead
    if (!this.to!.write(chunk.subarray(0, this.#lead))) this.#blocked = true
  }
}
