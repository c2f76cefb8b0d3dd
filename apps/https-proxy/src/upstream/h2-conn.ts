import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { Duplex, Readable } from 'node:stream'
import { NetError, type Route } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import type { HttpField } from '@sluice/wire'
import {
  type Exchange,
  type ExchangeSink,
  MAX_RESPONSE_HEAD_BYTES,
  type OriginConn,
  type OriginRequest,
} from './origin-conn.ts'

/** At most so many requests at a time over one conn, and fewer where the origin says so. */
const MAX_STREAMS = 100
const WINDOW_BYTES = 256 * 1024
/** Fields of a response. */
const MAX_PAIRS = 1000

/** HTTP/2 over one socket. */
export class H2Conn implements OriginConn {
  readonly route: Route
  readonly isShared: boolean = true
  requests = 0
  running = 0
  onClose: (() => void) | undefined = undefined
  readonly #session: ClientHttp2Session
  #isLeaving = false

  /** @param idleMs unused for so long it closes */
  constructor(socket: Duplex, route: Route, origin: string, idleMs: number) {
    this.route = route
    // An origin that has ended its side is gone, whether or not it has said so in HTTP/2.
    socket.allowHalfOpen = false
    this.#session = connect(origin, {
      createConnection: () => socket,
      settings: {
        enablePush: false,
        initialWindowSize: WINDOW_BYTES,
        maxHeaderListSize: MAX_RESPONSE_HEAD_BYTES,
      },
      maxHeaderListPairs: MAX_PAIRS,
      peerMaxConcurrentStreams: MAX_STREAMS,
    })
    this.#session.setTimeout(idleMs, () => this.running === 0 && this.destroy())
    this.#session
      .on('error', () => {})
      .on('goaway', () => this.retire())
      .once('close', () => this.onClose?.())
  }

  get closed(): boolean {
    return this.#isLeaving || this.#session.closed || this.#session.destroyed
  }

  get hasRoom(): boolean {
    const { maxConcurrentStreams = MAX_STREAMS } = this.#session.remoteSettings ?? {}
    return !this.closed && this.running < Math.min(MAX_STREAMS, maxConcurrentStreams)
  }

  send(request: OriginRequest, sink: ExchangeSink): Exchange {
    const { method, body } = request
    const isEmpty = body === undefined || (body instanceof Uint8Array && body.length === 0)
    this.requests += 1
    const stream = this.#session.request(headersOf(request), { endStream: isEmpty })
    this.running += 1
    const over = (): void => void (this.running -= 1)
    const exchange = new H2Exchange(stream, sink, request.bodyBytes, method === 'HEAD', over)
    if (!isEmpty) exchange.give(body)
    return exchange
  }

  destroy(): void {
    this.#session.destroy()
  }

  retire(): void {
    this.#isLeaving = true
    if (!this.#session.destroyed) this.#session.close()
  }
}

const headersOf = ({ method, url, fields, bodyBytes, body }: OriginRequest): OutgoingHttpHeaders => {
  const headers: Record<string, string | string[]> = {
    ':method': method,
    ':scheme': url.protocol.slice(0, -1),
    ':authority': url.host,
    ':path': url.pathname + url.search,
  }
  for (const [name, value] of fields) {
    const key = name.toLowerCase()
    const before = headers[key]
    headers[key] = before === undefined ? value : [before, value].flat()
  }
  const bytes = body instanceof Uint8Array ? body.length : bodyBytes
  if (bytes !== undefined) headers['content-length'] = String(bytes)
  return headers
}

class H2Exchange implements Exchange {
  bytesSent = 0
  readonly #stream: ClientHttp2Stream
  readonly #sink: ExchangeSink
  readonly #over: () => void
  /** What the body has to come to. */
  readonly #bodyBytes: number | undefined
  #trailers: HttpField[] = []
  #hasHead = false
  #isWhole = false
  #isOver = false

  constructor(
    stream: ClientHttp2Stream,
    sink: ExchangeSink,
    bodyBytes: number | undefined,
    isHead: boolean,
    over: () => void,
  ) {
    this.#over = over
    this.#stream = stream
    this.#sink = sink
    this.#bodyBytes = bodyBytes
    this.#watchEnd()
    stream
      .on('headers', (_headers, _flags, raw: string[]) => {
        const { status, fields } = readHead(raw)
        if (!this.#isOver) sink.onInterim(status, fields)
      })
      .once('response', (_headers, _flags, raw: string[]) => this.#respond(readHead(raw), isHead))
      .once('trailers', (_headers, _flags, raw: string[]) => (this.#trailers = readHead(raw).fields))
      .on('error', (error: Error) => this.#fail(error))
      .once('end', () => this.#end())
      .once('close', () => this.#fail(broken()))
  }

  /** Sends the body. */
  give(body: Uint8Array | Readable): void {
    if (body instanceof Uint8Array) {
      this.#stream.end(body)
      return
    }
    const close = (): void => this.#fail(new ServiceError('CLIENT_RESET', 'the body ended too early'))
    body
      .on('data', (chunk: Uint8Array) => this.#count(chunk.length))
      .once('end', () => {
        body.off('close', close)
        if (this.bytesSent !== (this.#bodyBytes ?? this.bytesSent)) this.#fail(wrongLength())
      })
      .once('error', (error) => this.#fail(error))
      .once('close', close)
      .pipe(this.#stream)
  }

  resume(): void {
    this.#stream.resume()
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#over()
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #count(bytes: number): void {
    this.bytesSent += bytes
    if (this.bytesSent > (this.#bodyBytes ?? Infinity)) this.#fail(wrongLength())
  }

  #respond({ status, fields }: Head, isHead: boolean): void {
    if (this.#isOver) return
    this.#hasHead = true
    this.#sink.onHead(status, fields)
    if (this.#isOver) return
    this.#stream.on('data', this.#onData)
    if (isHead) this.#stream.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#isOver && !this.#sink.onData(chunk)) this.#stream.pause()
  }

  /**
   * A response that is cut by RST_STREAM with NO_ERROR has an 'end' like any other. What tells is whether the stream was
   * closed before there was an end to read.
   */
  #watchEnd(): void {
    const stream = this.#stream
    const push = stream.push.bind(stream)
    stream.push = (chunk: unknown): boolean => {
      if (chunk === null) this.#isWhole ||= !stream.closed
      return push(chunk)
    }
  }

  #end(): void {
    if (this.#isOver || !this.#hasHead || !this.#isWhole) return
    this.#isOver = true
    this.#over()
    this.#sink.onEnd(this.#trailers)
    // The response is whole: whatever is left of the request is of no use to anyone.
    if (!this.#stream.writableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.abort()
    this.#sink.onError(error)
  }
}

const broken = (): NetError => new NetError('TARGET_RESET', 'the origin broke off')
const wrongLength = (): ServiceError =>
  new ServiceError('REQUEST_INVALID', 'the body is not as long as it was said to be')

interface Head {
  readonly status: number
  readonly fields: HttpField[]
}

const readHead = (raw: readonly string[]): Head => {
  const fields: HttpField[] = []
  let status = 0
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!]
    if (name === ':status') status = Number(value)
    else if (!name.startsWith(':')) fields.push([name, value])
  }
  return { status, fields }
}
