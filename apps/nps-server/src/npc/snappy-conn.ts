import type { Conn, ConnSink } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { SNAPPY_STREAM_ID, SnappyDecoder, snappyRoom, writeSnappyChunks } from '@sluice/wire/npc'

/**
 * The inside of Snappy's framing format over another conn. What is written goes out as it is, in frames that say so:
 * packing it would cost more than it saves, and lengths of packed secrets tell of them.
 */
export class SnappyConn implements Conn, ConnSink {
  readonly #base: Conn
  readonly #decoder: SnappyDecoder
  #sink: ConnSink | undefined = undefined
  #paused = true
  /** Unpacked, and not told yet: of one read at the most. */
  #waiting: Uint8Array[] = []
  #ended = false
  #isDelivering = false
  #hasBegun = false
  /** Lent to the base until it drains. */
  #frames: Uint8Array = new Uint8Array(0)
  #isLent = false

  /** @param base from now on it is this one's own */
  constructor(base: Conn) {
    this.#base = base
    this.#decoder = new SnappyDecoder((data) => this.#waiting.push(data))
    base.pause()
  }

  get remote(): Address {
    return this.#base.remote
  }

  get local(): Address {
    return this.#base.local
  }

  get closed(): boolean {
    return this.#base.closed
  }

  /** That of the base: what comes of a read may be more. */
  get readLimit(): number {
    return this.#base.readLimit
  }

  set readLimit(bytes: number) {
    this.#base.readLimit = bytes
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#base.attach(sink && this)
    if (this.#ended) this.pause()
  }

  pause(): void {
    this.#paused = true
    this.#base.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deliver()
  }

  unread(chunk: Uint8Array): void {
    // Copied: the chunk may only be lent.
    if (chunk.length > 0) this.#waiting.unshift(chunk.slice())
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0) return true
    const lead = this.#hasBegun ? 0 : SNAPPY_STREAM_ID.length
    const frames = this.#room(lead + snappyRoom(chunk.length))
    if (!this.#hasBegun) frames.set(SNAPPY_STREAM_ID)
    this.#hasBegun = true
    const size = writeSnappyChunks(chunk, frames, lead)
    const wentOut = this.#base.write(frames.subarray(0, size))
    this.#isLent = !wentOut
    return wentOut
  }

  end(): void {
    this.#base.end()
  }

  destroy(): void {
    this.#base.destroy()
  }

  reset(reason?: number): void {
    this.#base.reset(reason)
  }

  /** @internal */
  onData(chunk: Uint8Array): void {
    try {
      this.#decoder.push(chunk)
    } catch (error) {
      return this.#fail(error as Error)
    }
    this.#deliver()
  }

  /** @internal */
  onEnd(): void {
    this.#ended = true
    this.#sink?.onEnd()
  }

  /** @internal */
  onDrain(): void {
    this.#isLent = false
    this.#sink?.onDrain()
  }

  /** @internal */
  onClose(error: Error | undefined): void {
    this.#waiting = []
    this.#sink?.onClose(error)
  }

  #deliver(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    while (!this.#paused && this.#waiting.length > 0) this.#tell(this.#waiting.shift()!)
    this.#isDelivering = false
    if (!this.#paused) this.#base.resume()
  }

  #tell(data: Uint8Array): void {
    if (this.#sink !== undefined) return this.#sink.onData(data)
    this.pause()
    this.#waiting.unshift(data)
  }

  /** Half of something must not look like all of it. */
  #fail(error: Error): void {
    const sink = this.#sink
    this.#waiting = []
    this.#base.attach(undefined)
    this.#base.reset()
    sink?.onClose(error)
  }

  /** Used again, unless whoever writes did not wait for what it wrote before. */
  #room(size: number): Uint8Array {
    if (this.#isLent) return new Uint8Array(size)
    if (this.#frames.length < size) this.#frames = new Uint8Array(size)
    return this.#frames
  }
}
