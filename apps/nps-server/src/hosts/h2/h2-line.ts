import type { ServerHttp2Stream } from 'node:http2'
import { type Conn, type ConnSink, LIMITED_READ, NetError } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { H2Answer } from './h2-answer.ts'
import { type H1Head, lastChunk, requestHead } from './h2-heads.ts'

/** Who has a line. */
export interface LineOwner {
  /** It has answered, and may be asked again. */
  onIdle(line: H2Line): void
}

const NO_TRAILERS: readonly string[] = []

/**
 * A connection of HTTP/1.1 that is none: requests of HTTP/2 are asked over it one after the other, and what is answered goes
 * into their streams. Whoever serves it knows of nothing but HTTP/1.1.
 */
export class H2Line implements Conn {
  readonly remote: Address
  readonly local: Address
  readLimit: number = LIMITED_READ
  closed = false
  readonly #owner: LineOwner
  #sink: ConnSink | undefined = undefined
  #isPaused = false
  /** Nobody has been told yet. */
  #waiting: Uint8Array[] = []
  #stream: ServerHttp2Stream | undefined = undefined
  #answer: H2Answer | undefined = undefined
  #isAsked = true
  /** It is asked for a WebSocket. */
  #isSocket = false
  /** Of a stream that speaks another protocol: the visitor has ended its side, and who serves it knows. */
  #hasEnded = false
  #isEndTold = false

  /** @param ends of the connection below */
  constructor({ remote, local }: Pick<Conn, 'remote' | 'local'>, owner: LineOwner) {
    this.remote = remote
    this.local = local
    this.#owner = owner
  }

  /** Asks what a stream asks, once the answer before is whole. @throws WireError for what HTTP/1.1 has no words for */
  ask(stream: ServerHttp2Stream, raw: readonly string[], hasBody: boolean): void {
    const head = requestHead(raw, hasBody)
    this.#stream = stream
    this.#answer = new H2Answer(stream, head, () => this.#onWritten())
    // What is said behind it before the target agrees would look like the next request.
    const isBody = hasBody && head.key === undefined
    this.#isAsked = !isBody
    this.#isSocket = head.key !== undefined
    this.#hasEnded = this.#isEndTold = false
    stream.once('close', () => this.#onStreamClose(stream))
    this.#tell(head.bytes)
    if (isBody) this.#readBody(stream, head)
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#isEndTold = false
  }

  pause(): void {
    this.#isPaused = true
    this.#stream?.pause()
  }

  resume(): void {
    this.#isPaused = false
    while (!this.#isPaused && this.#sink !== undefined && this.#waiting.length > 0)
      this.#sink.onData(this.#waiting.shift()!)
    if (this.#isPaused) return
    if (!this.#isAsked) this.#stream?.resume()
    this.#tellEnd()
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#waiting.unshift(Uint8Array.from(chunk))
  }

  write(chunk: Uint8Array): boolean {
    const answer = this.#answer
    if (answer === undefined || this.closed) return true
    const wasSwitched = answer.isSwitched
    try {
      const isOut = answer.take(chunk)
      if (answer.isSwitched && !wasSwitched) this.#switch()
      if (!isOut) return false
    } catch {
      this.reset()
      return true
    }
    if (answer.isWhole) setImmediate(this.#onAnswered)
    return true
  }

  end(): void {
    if (this.closed) return
    const answer = this.#answer
    answer?.end()
    if (answer?.isSwitched === true) this.#closeIfOver()
    else this.destroy()
  }

  destroy(): void {
    if (this.closed) return
    const [stream, answer] = [this.#stream, this.#answer]
    this.#close(undefined)
    // Not by `close`, which would end the stream first: what came so far would look as if it were all.
    if (answer?.isWhole === false) stream?.destroy(new NetError('TARGET_RESET', 'the answer is not whole'))
    else if (answer?.isSwitched === true) stream?.close()
  }

  reset(): void {
    this.destroy()
  }

  #onWritten(): void {
    this.#sink?.onDrain()
    if (this.#answer?.isWhole === true) setImmediate(this.#onAnswered)
  }

  readonly #onAnswered = (): void => {
    const answer = this.#answer
    if (this.closed || answer?.isWhole !== true || answer.isSwitched) return
    if (this.#isSocket) this.#stream?.close()
    this.#answer = this.#stream = undefined
    if (this.#isAsked && !answer.isLast) this.#owner.onIdle(this)
  }

  #switch(): void {
    const stream = this.#stream!
    this.#isAsked = false
    stream.on('data', (chunk: Buffer) => this.#tell(chunk))
    stream.once('end', () => {
      this.#isAsked = this.#hasEnded = true
      this.#tellEnd()
    })
    if (this.#isPaused) stream.pause()
  }

  #tellEnd(): void {
    if (!this.#hasEnded || this.#isEndTold || this.#isPaused || this.#sink === undefined) return
    if (this.closed || this.#waiting.length > 0) return
    this.#isEndTold = true
    this.#sink.onEnd()
    this.#closeIfOver()
  }

  /** Both sides have ended. */
  #closeIfOver(): void {
    if (!this.closed && this.#isEndTold && this.#answer?.isWhole === true) this.#close(undefined)
  }

  #readBody(stream: ServerHttp2Stream, { isChunked }: H1Head): void {
    stream.on('data', (chunk: Buffer) => this.#tell(isChunked ? chunked(chunk) : chunk))
    let trailers = NO_TRAILERS
    stream.once('trailers', (_: unknown, __: unknown, raw: readonly string[]) => (trailers = raw))
    stream.once('end', () => {
      this.#isAsked = true
      if (isChunked) this.#tell(lastChunk(trailers))
    })
    if (this.#isPaused) stream.pause()
  }

  #tell(bytes: Uint8Array): void {
    if (this.closed) return
    if (this.#isPaused || this.#sink === undefined) this.#waiting.push(bytes)
    else this.#sink.onData(bytes)
  }

  /** A visitor who gives up one request ends the line with it: nobody knows how far it has come. */
  #onStreamClose(stream: ServerHttp2Stream): void {
    if (this.#stream !== stream || this.closed) return
    if (this.#answer?.isWhole === true && this.#isAsked) return
    this.#close(new NetError('CLIENT_RESET', 'the visitor gave up its request'))
  }

  #close(error: Error | undefined): void {
    this.closed = true
    this.#waiting = []
    queueMicrotask(() => this.#sink?.onClose(error))
  }
}

const chunked = (data: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')])
