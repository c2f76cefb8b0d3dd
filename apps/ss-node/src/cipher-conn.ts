import { type BufferPool, type Conn, type ConnSink, wasted } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Opener, Sealer } from '@sluice/wire/shadowsocks'
import type { SampledTimer } from './sampled-timer.ts'

export interface CipherParts {
  readonly opener: Opener
  readonly sealer: Sealer
  /** Plain bytes that came with the request. */
  readonly early: Uint8Array
  readonly pool: BufferPool
  readonly timers: CipherTimers
}

/** What calls of the ciphers take. */
export interface CipherTimers {
  readonly encrypt: SampledTimer
  readonly decrypt: SampledTimer
}

/**
 * The payload of a client's conn: opens what comes and seals what is written, each through a buffer that is lent for as
 * long as somebody needs it.
 *
 * Once a piece does not open, nothing that comes is passed on any more. The client is not told: its bytes are read and
 * dropped, and what it is sent goes on, until one of the ends closes or nothing passes for too long. Who changes bytes
 * on their way sees no difference to an upload that nobody answers.
 */
export class CipherConn implements Conn, ConnSink {
  readonly #conn: Conn
  readonly #opener: Opener
  readonly #sealer: Sealer
  readonly #pool: BufferPool
  readonly #timers: CipherTimers
  #sink: ConnSink | undefined = undefined
  #paused = true
  /** Plain bytes to come first. */
  #kept: Uint8Array | undefined
  /** Lent to the sink until it resumes. */
  #opened: Uint8Array | undefined = undefined
  /** Lent to the conn until it has drained. */
  #sealed: Uint8Array | undefined = undefined
  /** Why nothing that comes is passed on any more. */
  #failure: Error | undefined = undefined

  /** @param conn past its request; what stands in front of it is payload, sealed */
  constructor(conn: Conn, { opener, sealer, early, pool, timers }: CipherParts) {
    this.#conn = conn
    this.#opener = opener
    this.#sealer = sealer
    this.#pool = pool
    this.#timers = timers
    this.#kept = early.length > 0 ? early : undefined
    conn.pause()
  }

  get remote(): Address {
    return this.#conn.remote
  }

  get local(): Address {
    return this.#conn.local
  }

  get closed(): boolean {
    return this.#conn.closed
  }

  /** Of the sealed bytes: those of a chunk are a few more than its payload. */
  get readLimit(): number {
    return this.#conn.readLimit
  }

  set readLimit(bytes: number) {
    this.#conn.readLimit = bytes
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#conn.attach(sink && this)
  }

  pause(): void {
    this.#paused = true
    this.#conn.pause()
  }

  resume(): void {
    this.#paused = false
    const kept = this.#kept
    const lent = this.#opened
    this.#kept = this.#opened = undefined
    if (lent !== undefined) this.#pool.give(lent)
    if (kept !== undefined) this.#deliver(kept)
    if (!this.#paused) this.#conn.resume()
  }

  unread(chunk: Uint8Array): void {
    // Copied: the chunk may be in a buffer that is only lent.
    if (chunk.length > 0) this.#kept = Buffer.concat(this.#kept ? [chunk, this.#kept] : [chunk])
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0) return true
    const buffer = this.#pool.take(this.#sealer.room(chunk.length))
    const { encrypt } = this.#timers
    const begun = encrypt.begin()
    const size = this.#sealer.seal(chunk, buffer)
    encrypt.end(begun)
    wasted(size)
    const wentOut = this.#conn.write(buffer.subarray(0, size))
    if (wentOut) this.#pool.give(buffer)
    else this.#sealed = buffer
    return wentOut
  }

  end(): void {
    this.#conn.end()
  }

  destroy(): void {
    this.#conn.destroy()
  }

  reset(): void {
    this.#conn.reset()
  }

  /** @internal */
  onData(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return
    const buffer = this.#pool.take(this.#opener.room(chunk.length))
    const size = this.#open(chunk, buffer)
    if (size > 0) this.#deliver(buffer.subarray(0, size))
    if (this.#paused && size > 0) this.#opened = buffer
    else this.#pool.give(buffer)
  }

  /** @internal */
  onEnd(): void {
    if (this.#failure === undefined) this.#sink?.onEnd()
    // Half an upload must not look like a whole one.
    else this.#sink?.onClose(this.#failure)
  }

  /** @internal */
  onDrain(): void {
    const sealed = this.#sealed
    this.#sealed = undefined
    if (sealed !== undefined) this.#pool.give(sealed)
    this.#sink?.onDrain()
  }

  /** @internal */
  onClose(error: Error | undefined): void {
    this.#sink?.onClose(error ?? this.#failure)
  }

  #open(chunk: Uint8Array, out: Uint8Array): number {
    const { decrypt } = this.#timers
    const begun = decrypt.begin()
    try {
      const size = this.#opener.open(chunk, out)
      decrypt.end(begun)
      wasted(size)
      return size
    } catch (error) {
      this.#failure = error as Error
      return 0
    }
  }

  #deliver(plain: Uint8Array): void {
    if (this.#sink !== undefined) {
      this.#sink.onData(plain)
      return
    }
    this.pause()
    this.unread(plain)
  }
}
