import type { Conn, ConnSink } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import { encodeStreamHeader, STREAM_STATUS, type StreamHeader } from '@sluice/wire/bridge'
import { streamError } from './stream-error.ts'

/**
 * Says on a fresh stream what it is for, and waits until the other side has done it.
 * @returns the stream, paused; nothing of its own stands before the payload
 * @throws NetError, ServiceError as the other side tells, ServiceError AGENT_LOST; the signal's reason
 */
export const openStream = (stream: Conn, header: StreamHeader, signal: AbortSignal): Promise<Conn> =>
  new Promise((resolve, reject) => {
    const opening = new Opening(stream, signal, resolve, reject)
    stream.attach(opening)
    stream.resume()
    stream.write(encodeStreamHeader(header))
    if (signal.aborted) opening.onAbort()
    else signal.addEventListener('abort', opening.onAbort)
  })

/** Reads the one octet of the answer. */
class Opening implements ConnSink {
  readonly onAbort = (): void => this.#fail(this.#signal.reason)
  readonly #stream: Conn
  readonly #signal: AbortSignal
  readonly #resolve: (stream: Conn) => void
  readonly #reject: (error: unknown) => void

  constructor(
    stream: Conn,
    signal: AbortSignal,
    resolve: (stream: Conn) => void,
    reject: (error: unknown) => void,
  ) {
    this.#stream = stream
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
  }

  onData(chunk: Uint8Array): void {
    const status = chunk[0]!
    if (status !== STREAM_STATUS.OK) return this.#fail(streamError(status))
    const stream = this.#stream
    this.#letGo()
    stream.pause()
    if (chunk.length > 1) stream.unread(chunk.subarray(1))
    this.#resolve(stream)
  }

  onEnd(): void {
    this.#fail(new ServiceError('AGENT_LOST', 'the other side ended the stream without an answer'))
  }

  onDrain(): void {}

  onClose(cause: Error | undefined): void {
    this.#fail(new ServiceError('AGENT_LOST', 'the stream closed without an answer', { cause }))
  }

  #fail(error: unknown): void {
    this.#letGo()
    this.#stream.reset()
    this.#reject(error)
  }

  #letGo(): void {
    this.#signal.removeEventListener('abort', this.onAbort)
    this.#stream.attach(undefined)
  }
}
