import { constants, type ServerHttp2Stream } from 'node:http2'
import { type Conn, type ConnSink, LIMITED_READ, NetError } from '@sluice/net'
import type { Address } from '@sluice/wire'

/** The two ends of the connection that a stream goes over. */
export type Ends = Pick<Conn, 'remote' | 'local'>

/** A stream of HTTP/2 as a conn: what CONNECT over it carries (RFC 9113 §8.5). Counts what passes. */
export class StreamConn implements Conn {
  readonly remote: Address
  readonly local: Address
  readLimit: number = LIMITED_READ
  closed = false
  up = 0
  down = 0
  readonly #stream: ServerHttp2Stream
  #sink: ConnSink | undefined = undefined
  #isPaused = true
  #kept: Uint8Array | undefined = undefined
  #isEnded = false
  #isEndTold = false

  constructor(stream: ServerHttp2Stream, { remote, local }: Ends) {
    this.remote = remote
    this.local = local
    this.#stream = stream
    stream.pause()
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    stream.on('end', () => {
      this.#isEnded = true
      this.#tell()
    })
    stream.on('close', () => {
      this.closed = true
      this.#tell()
    })
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
  }

  pause(): void {
    this.#isPaused = true
    this.#stream.pause()
  }

  resume(): void {
    this.#isPaused = false
    const kept = this.#kept
    this.#kept = undefined
    if (kept !== undefined) this.#receive(kept)
    if (this.#isPaused) return
    this.#stream.resume()
    if (this.#isEnded || this.closed) this.#tell()
  }

  unread(chunk: Uint8Array): void {
    this.#kept = this.#kept === undefined ? chunk : Buffer.concat([chunk, this.#kept])
  }

  /** Never at once: what is written is looked at again when the connection takes it. */
  write(chunk: Uint8Array): boolean {
    this.down += chunk.length
    this.#stream.write(chunk, this.#onWritten)
    return false
  }

  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }

  reset(): void {
    // `close` with a code would end the stream in front of its reset, and what was sent look whole.
    this.#stream.destroy(new NetError('CLIENT_RESET', 'the tunnel was reset'))
  }

  #receive(chunk: Uint8Array): void {
    if (this.#sink === undefined) {
      this.pause()
      this.unread(chunk)
      return
    }
    this.up += chunk.length
    this.#sink.onData(chunk)
  }

  readonly #onWritten = (): void => {
    this.#sink?.onDrain()
  }

  #tell(): void {
    const sink = this.#sink
    if (sink === undefined) return
    const isBroken = this.closed && (!this.#isEnded || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR)
    if (this.#isEnded && !this.#isEndTold && !isBroken) {
      if (this.#isPaused) return
      this.#isEndTold = true
      sink.onEnd()
    }
    if (!this.closed) return
    this.#sink = undefined
    sink.onClose(isBroken ? new NetError('CLIENT_RESET', 'the client reset its stream') : undefined)
  }
}
