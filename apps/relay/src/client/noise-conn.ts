import { type BufferPool, type Conn, type ConnSink, wasted } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { RELAY_STATUS } from '@sluice/wire/relay'
import type { Secured } from '../noise/peer-handshake.ts'
import { PeerError } from '../peer/peer-error.ts'
import { RecordOpener } from './record-opener.ts'
import { RecordSealer } from './record-sealer.ts'

/**
 * A circuit as its two ends see it: what comes is opened, what is written is sealed, each through a buffer that is lent for
 * as long as somebody needs it. An end of the stream is a record of its own; a stream that ends without one has been cut,
 * and closes with PeerError PEER_TRUNCATED, as one that does not open does with PEER_NOISE.
 */
export class NoiseConn implements Conn, ConnSink {
  /** The other peer's identity, proven: Ed25519, 32 octets. */
  readonly publicKey: Uint8Array
  readonly #conn: Conn
  readonly #pool: BufferPool
  readonly #sealer: RecordSealer
  readonly #opener: RecordOpener
  #sink: ConnSink | undefined = undefined
  #paused = true
  /** Plain octets to come first. */
  #kept: Uint8Array | undefined = undefined
  /** Lent to the sink until it resumes. */
  #opened: Uint8Array | undefined = undefined
  /** Lent to the conn until it has drained. */
  #sealed: Uint8Array | undefined = undefined
  #ending = false
  #endTold = false
  #closeTold = false
  /** This side has given it up: its end needs no record. */
  #gaveUp = false
  /** Why it has closed, where the conn below would have gone on. */
  #failure: Error | undefined = undefined

  /** @param conn past the handshake; what stands in front of it are records */
  constructor(conn: Conn, { keys, publicKey }: Secured, pool: BufferPool) {
    this.publicKey = publicKey
    this.#conn = conn
    this.#pool = pool
    this.#sealer = new RecordSealer(keys.send)
    this.#opener = new RecordOpener(keys.receive, pool)
    conn.pause()
  }

  get remote(): Address {
    return this.#conn.remote
  }

  get local(): Address {
    return this.#conn.local
  }

  get closed(): boolean {
    return this.#failure !== undefined || this.#conn.closed
  }

  /** Of the sealed octets: a few more than their payload. */
  get readLimit(): number {
    return this.#conn.readLimit
  }

  set readLimit(bytes: number) {
    this.#conn.readLimit = bytes
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#endTold = this.#closeTold = false
    if (this.#failure === undefined) this.#conn.attach(sink && this)
    if (this.#opener.ended || this.closed) this.pause()
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
    if (this.#failure !== undefined) this.#tellClose(this.#failure)
    this.#tellEnd()
    if (!this.#paused && this.#failure === undefined) this.#conn.resume()
  }

  unread(chunk: Uint8Array): void {
    // Copied: the chunk may be in a buffer that is only lent.
    if (chunk.length > 0) this.#kept = Buffer.concat(this.#kept ? [chunk, this.#kept] : [chunk])
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0) return true
    const buffer = this.#pool.take(this.#sealer.room(chunk.length))
    const size = this.#sealer.seal(chunk, buffer)
    wasted(size)
    const wentOut = this.#conn.write(buffer.subarray(0, size))
    if (wentOut) this.#pool.give(buffer)
    else this.#sealed = buffer
    return wentOut
  }

  end(): void {
    if (this.#ending) return
    this.#ending = true
    if (this.#sealed === undefined) this.#sendEnd()
  }

  destroy(): void {
    this.#gaveUp = true
    this.#conn.destroy()
  }

  reset(reason?: number): void {
    this.#gaveUp = true
    this.#conn.reset(reason)
  }

  /** @internal */
  onData(chunk: Uint8Array): void {
    const buffer = this.#pool.take(this.#opener.room(chunk.length))
    const size = this.#open(chunk, buffer)
    if (size > 0) this.#deliver(buffer.subarray(0, size))
    if (this.#paused && size > 0) this.#opened = buffer
    else this.#pool.give(buffer)
    this.#tellEnd()
  }

  /** @internal */
  onEnd(): void {
    if (!this.#opener.ended) this.#fail(truncated())
  }

  /** @internal */
  onDrain(): void {
    const sealed = this.#sealed
    this.#sealed = undefined
    if (sealed !== undefined) this.#pool.give(sealed)
    if (this.#ending) this.#sendEnd()
    else this.#sink?.onDrain()
  }

  /** @internal */
  onClose(error: Error | undefined): void {
    this.#opener.release()
    if (error === undefined && !this.#opener.ended && !this.#gaveUp) this.#failure = truncated()
    this.#tellClose(error ?? this.#failure)
  }

  #sendEnd(): void {
    this.#conn.write(this.#sealer.end())
    this.#conn.end()
  }

  #open(chunk: Uint8Array, out: Uint8Array): number {
    try {
      const size = this.#opener.open(chunk, out)
      wasted(size)
      return size
    } catch (error) {
      this.#fail(error as Error)
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

  #tellEnd(): void {
    if (!this.#opener.ended || this.#endTold || this.#paused || this.#closeTold || this.#gaveUp) return
    if (this.#sink === undefined) return
    this.#endTold = true
    this.#sink.onEnd()
  }

  #tellClose(error: Error | undefined): void {
    if (this.#closeTold || this.#sink === undefined) return
    this.#closeTold = true
    this.#sink.onClose(error)
  }

  /** Nothing of what the conn below has to say matters any more. */
  #fail(error: Error): void {
    this.#failure = error
    this.#opener.release()
    this.#conn.attach(undefined)
    this.#conn.reset(RELAY_STATUS.PEER_RESET)
    this.#tellClose(error)
  }
}

const truncated = (): PeerError =>
  new PeerError('PEER_TRUNCATED', 'the stream broke off before the other peer had ended it')
