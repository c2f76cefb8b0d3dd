import type { Readable, Writable } from 'node:stream'
import type { Conn, ConnSink } from '@sluice/net'
import type { Address } from '@sluice/wire'

const NOWHERE: Address = { host: '', port: 0 }

/** A pair of streams, such as standard input and output, as a conn. */
export class StreamConn implements Conn {
  readonly remote: Address = NOWHERE
  readonly local: Address = NOWHERE
  closed = false
  /** Streams read as they like. */
  readLimit = 0
  readonly #input: Readable
  readonly #output: Writable
  #sink: ConnSink | undefined = undefined
  #paused = true
  #kept: Uint8Array | undefined = undefined
  #inputEnded = false
  #endTold = false
  #outputEnded = false
  #error: Error | undefined = undefined
  #closeTold = false

  constructor(input: Readable, output: Writable) {
    this.#input = input
    this.#output = output
    input.pause()
    input.on('data', (chunk: Uint8Array) => this.#onData(chunk))
    input.on('end', () => this.#onInputEnd())
    for (const stream of [input, output]) stream.on('error', (error: Error) => this.#close(error))
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#endTold = this.#closeTold = false
    if (sink === undefined) this.pause()
  }

  pause(): void {
    this.#paused = true
    this.#input.pause()
  }

  resume(): void {
    this.#paused = false
    const kept = this.#kept
    this.#kept = undefined
    if (kept !== undefined) this.#onData(kept)
    this.#tellEnd()
    if (this.closed) this.#tellClose()
    if (!this.#paused) this.#input.resume()
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#kept = Buffer.concat(this.#kept ? [chunk, this.#kept] : [chunk])
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.#outputEnded) return true
    let isOut = false
    let isLate = false
    this.#output.write(chunk, () => {
      isOut = true
      if (isLate && !this.closed && !this.#outputEnded) this.#sink?.onDrain()
    })
    isLate = !isOut && this.#output.writableLength > 0
    return !isLate
  }

  end(): void {
    if (this.#outputEnded || this.closed) return
    this.#outputEnded = true
    this.#output.end(() => this.#finish())
  }

  destroy(): void {
    this.#input.destroy()
    this.#close(undefined)
  }

  /** Streams have no words for it; the exit code has. */
  reset(): void {
    this.destroy()
  }

  #onData(chunk: Uint8Array): void {
    if (this.#sink !== undefined && !this.#paused) return this.#sink.onData(chunk)
    this.pause()
    this.unread(chunk)
  }

  #onInputEnd(): void {
    this.#inputEnded = true
    this.#tellEnd()
    this.#finish()
  }

  #tellEnd(): void {
    if (!this.#inputEnded || this.#endTold || this.#paused || this.#sink === undefined) return
    this.#endTold = true
    this.#sink.onEnd()
  }

  /** Both ways have ended. */
  #finish(): void {
    if (this.#inputEnded && this.#outputEnded && this.#output.writableFinished) this.#close(undefined)
  }

  #close(error: Error | undefined): void {
    if (this.closed) return
    this.closed = true
    this.#error = error
    if (error !== undefined || !this.#paused) this.#tellClose()
  }

  #tellClose(): void {
    if (this.#closeTold || this.#sink === undefined) return
    this.#closeTold = true
    this.#sink.onClose(this.#error)
  }
}
