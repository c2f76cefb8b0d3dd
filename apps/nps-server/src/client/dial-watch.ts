import type { Conn, ConnSink } from '@sluice/net'

/** Keeps what comes on a stream while its target is dialled, and gives the dial up where the stream closes. */
export class DialWatch implements ConnSink, Disposable {
  readonly #stream: Conn
  readonly #abort = new AbortController()

  constructor(stream: Conn) {
    this.#stream = stream
    stream.attach(this)
    stream.resume()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  onData(chunk: Uint8Array): void {
    this.#stream.pause()
    this.#stream.unread(chunk)
  }

  /** No reason to give up: the relay will see it. */
  onEnd(): void {}

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.#abort.abort(error ?? new Error('the stream was closed'))
  }

  [Symbol.dispose](): void {
    this.#stream.attach(undefined)
  }
}
