import { Duplex } from 'node:stream'
import type { Conn, ConnSink } from './conn.ts'
import { LIMITED_READ } from './relay.ts'

type Done = (error?: Error | null) => void

/** A conn as a stream of Node's, for who takes nothing else. It copies what it reads, since a conn only lends it. */
export class ConnStream extends Duplex implements ConnSink {
  /** As of a socket: bytes that were written, be they out or not. */
  bytesWritten = 0
  readonly #conn: Conn
  #written: Done | undefined = undefined
  #hasEnded = false

  constructor(conn: Conn) {
    super({ highWaterMark: LIMITED_READ })
    this.#conn = conn
    // More at a time would be copied for nothing where whoever reads stops in the middle of it.
    conn.readLimit = LIMITED_READ
    conn.pause()
    conn.attach(this)
  }

  get remoteAddress(): string {
    return this.#conn.remote.host
  }

  get remotePort(): number {
    return this.#conn.remote.port
  }

  onData(chunk: Uint8Array): void {
    if (!this.push(Buffer.from(chunk))) this.#conn.pause()
  }

  onEnd(): void {
    this.#hasEnded = true
    this.push(null)
  }

  onDrain(): void {
    const written = this.#written
    this.#written = undefined
    written?.()
  }

  onClose(error: Error | undefined): void {
    if (error === undefined && !this.#hasEnded) this.push(null)
    if (error !== undefined || this.#written !== undefined) this.destroy(error)
  }

  override _read(): void {
    this.#conn.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: Done): void {
    this.#conn.end()
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#conn.attach(undefined)
    this.#conn.destroy()
    done(error)
  }

  #send(bytes: Uint8Array, done: Done): void {
    this.bytesWritten += bytes.length
    if (this.#conn.write(bytes)) done()
    else this.#written = done
  }
}
