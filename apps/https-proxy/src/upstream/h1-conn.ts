import type { Duplex } from 'node:stream'
import { NetError, type Route } from '@sluice/net'
import type { HttpField } from '@sluice/wire'
import { Client, type Dispatcher } from 'undici'
import {
  type Exchange,
  type ExchangeSink,
  MAX_RESPONSE_HEAD_BYTES,
  type OriginConn,
  type OriginRequest,
} from './origin-conn.ts'

/** undici's parser is one for all conns, and must not be entered from within one of its callbacks. */
let parsing = 0

const during = (callback: () => void): void => {
  parsing += 1
  try {
    callback()
  } finally {
    parsing -= 1
  }
}

type Socket = Duplex & { readonly bytesWritten: number }

/** HTTP/1.1 over one socket, by a Client of undici that never gets another. */
export class H1Conn implements OriginConn {
  readonly route: Route
  readonly isShared: boolean = false
  requests = 0
  onClose: (() => void) | undefined = undefined
  readonly #socket: Socket
  readonly #client: Client
  #isBusy = false

  /** @param idleMs unused for so long it closes, or sooner where the origin says so */
  constructor(socket: Socket, route: Route, origin: string, idleMs: number) {
    this.route = route
    this.#socket = socket
    let isGiven = false
    this.#client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
      connect: (_options, callback) => {
        const isGone = isGiven || socket.destroyed
        isGiven = true
        // Not at once: the client is not ready for it.
        queueMicrotask(() => {
          if (isGone) callback(new NetError('TARGET_RESET', 'the origin has closed'), null)
          else callback(null, socket as never)
        })
      },
    })
    socket.on('error', () => {}).once('close', () => this.onClose?.())
  }

  get closed(): boolean {
    return this.#socket.destroyed
  }

  get running(): number {
    return this.#isBusy ? 1 : 0
  }

  get hasRoom(): boolean {
    return !this.#isBusy && !this.closed
  }

  send(request: OriginRequest, sink: ExchangeSink): Exchange {
    this.requests += 1
    const over = (isWhole: boolean): void => {
      this.#isBusy = false
      if (isWhole) return
      // A regular end could pass for that of a client that still waits for its answer.
      this.route.conn.reset()
      this.destroy()
    }
    const exchange = new H1Exchange(this.#socket, sink, over)
    this.#isBusy = true
    const { url, method, body } = request
    const options: Dispatcher.DispatchOptions = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: headersOf(request),
      body: body === undefined || (body instanceof Uint8Array && body.length === 0) ? null : body,
    }
    this.#client.dispatch(options, exchange)
    return exchange
  }

  retire(): void {
    if (!this.#isBusy) this.destroy()
  }

  destroy(): void {
    this.#client.destroy().catch(() => {})
    this.#socket.destroy()
  }
}

const headersOf = ({ fields, bodyBytes }: OriginRequest): string[] => {
  const headers = fields.flat()
  if (bodyBytes !== undefined) headers.push('content-length', String(bodyBytes))
  return headers
}

class H1Exchange implements Exchange, Dispatcher.DispatchHandler {
  readonly #socket: Socket
  readonly #sink: ExchangeSink
  readonly #over: (isWhole: boolean) => void
  readonly #resumeNow = (): void => this.#controller?.resume()
  #controller: Dispatcher.DispatchController | undefined = undefined
  #isOver = false

  constructor(socket: Socket, sink: ExchangeSink, over: (isWhole: boolean) => void) {
    this.#socket = socket
    this.#sink = sink
    this.#over = over
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten
  }

  resume(): void {
    if (parsing > 0) queueMicrotask(this.#resumeNow)
    else this.#resumeNow()
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#over(false)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart({ rawHeaders }: Dispatcher.DispatchController, status: number): void {
    if (this.#isOver) return
    const fields = pairs(rawHeaders)
    during(() => {
      if (status >= 200) this.#sink.onHead(status, fields)
      else this.#sink.onInterim(status, fields)
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    parsing += 1
    try {
      if (!this.#sink.onData(chunk)) controller.pause()
    } finally {
      parsing -= 1
    }
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#over(true)
    during(() => this.#sink.onEnd(pairs(rawTrailers)))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#over(false)
    this.#sink.onError(error)
  }
}

/** Names and values by turns, one byte a character. */
const pairs = (raw: Dispatcher.DispatchController['rawHeaders']): HttpField[] => {
  const fields: HttpField[] = []
  if (!Array.isArray(raw)) return fields
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push([text(raw[i]!), text(raw[i + 1]!)])
  return fields
}

const text = (bytes: Buffer | string): string =>
  typeof bytes === 'string' ? bytes : bytes.toString('latin1')
