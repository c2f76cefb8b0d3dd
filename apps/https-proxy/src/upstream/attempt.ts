import { type Caller, codeOf, type ErrorCode, ServiceError } from '@sluice/service'
import { errnoOf } from '@sluice/net'
import type { HttpField } from '@sluice/wire'
import type { Deadlines, Timed } from '@sluice/service/http'
import { originError } from './origin-error.ts'
import { dialTimeout } from './origin-dial.ts'
import { type OriginConns, ownerOf } from './origin-conns.ts'
import {
  type Exchange,
  type ExchangeSink,
  isStream,
  type OriginConn,
  type OriginRequest,
} from './origin-conn.ts'
import type { Origins, OriginVisit } from './origins.ts'

/** What attempts share. */
export interface AttemptParts {
  readonly conns: OriginConns
  readonly origins: Origins
  readonly deadlines: Deadlines
  /** From the first look at a name to the end of TLS. */
  readonly connectMs: number
}

/** Who an attempt is for. */
export interface AttemptSink extends Omit<ExchangeSink, 'onError' | 'onHead'> {
  /** @param isCached it comes out of the cache */
  onHead(status: number, fields: readonly HttpField[], isCached?: boolean): void
  /** The request goes out over this conn now. */
  onSent(): void
  /** @param isStale the conn had been used before, and may have been closing when it got the request */
  onFailed(error: Error, isStale: boolean): void
}

const TIMEOUTS = new Set<ErrorCode>(['RESPONSE_TIMEOUT', 'REQUEST_TIMEOUT'])

/** One request to one origin: a conn, and an exchange over it. */
export class Attempt implements ExchangeSink, Timed {
  deadline: number
  readonly #parts: AttemptParts
  readonly #caller: Caller
  readonly #request: OriginRequest
  readonly #sink: AttemptSink
  readonly #visit: OriginVisit
  #dialling: AbortController | undefined = undefined
  #conn: OriginConn | undefined = undefined
  #exchange: Exchange | undefined = undefined
  #isAnswered = false
  #isOver = false

  /** @throws ServiceError ORIGIN_LIMIT, ORIGIN_BROKEN */
  constructor(parts: AttemptParts, caller: Caller, request: OriginRequest, sink: AttemptSink) {
    this.#parts = parts
    this.#caller = caller
    this.#request = request
    this.#sink = sink
    this.#visit = parts.origins.enter(request.url.origin, ownerOf(caller))
    this.deadline = parts.deadlines.now() + parts.connectMs
    parts.deadlines.add(this)
  }

  get bytesSent(): number {
    return this.#exchange?.bytesSent ?? 0
  }

  /** @param fresh over a conn that was not used before */
  async run(fresh: boolean): Promise<void> {
    const { conns, deadlines } = this.#parts
    try {
      const used = fresh ? undefined : conns.reuse(this.#caller, this.#request.url)
      // Never at once: who asks may be within the parser of another conn.
      const conn = await (used ?? this.#take(fresh))
      deadlines.delete(this)
      if (this.#isOver) return conns.give(this.#caller, this.#request.url, conn)
      this.#conn = conn
      this.#visit.connected()
      this.#watchBody(conn)
      this.#exchange = conn.send(this.#request, this)
      if (this.#isOver) return
      this.#sink.onSent()
      this.#giveBack()
    } catch (error) {
      this.onError(error as Error)
    }
  }

  resume(): void {
    this.#exchange?.resume()
  }

  /** Nobody wants it any more. The sink is told nothing from now on. */
  abort(error: Error): void {
    if (this.#isOver) return
    this.#end(error)
    this.#dialling?.abort(error)
    this.#exchange?.abort()
    // It may be dead, and nobody has said so.
    if (!this.#isAnswered && TIMEOUTS.has(codeOf(error))) this.#conn?.retire()
    this.#giveBack()
  }

  onDeadline(): void {
    const error = dialTimeout(this.#request.url)
    this.onError(error)
    this.#dialling?.abort(error)
  }

  onInterim(status: number, fields: readonly HttpField[]): void {
    if (!this.#isOver) this.#sink.onInterim(status, fields)
  }

  onHead(status: number, fields: readonly HttpField[]): void {
    if (this.#isOver) return
    this.#isAnswered = true
    this.#visit.answered()
    this.#sink.onHead(status, fields)
  }

  onData(chunk: Uint8Array): boolean {
    return this.#isOver || this.#sink.onData(chunk)
  }

  onEnd(trailers: readonly HttpField[]): void {
    if (this.#isOver) return
    this.#end(undefined)
    this.#giveBack()
    this.#sink.onEnd(trailers)
  }

  onError(cause: Error): void {
    if (this.#isOver) return
    const error = originError(cause)
    this.#end(error)
    this.#giveBack()
    const wasUsed = (this.#conn?.requests ?? 0) > 1
    this.#sink.onFailed(error, wasUsed && !this.#isAnswered && codeOf(error) === 'TARGET_RESET')
  }

  #take(fresh: boolean): Promise<OriginConn> {
    this.#dialling = new AbortController()
    return this.#parts.conns.take(this.#caller, this.#request.url, this.#dialling.signal, fresh)
  }

  /** Before anyone else hears of it: what is wrong with the body is no fault of the origin. */
  #watchBody(conn: OriginConn): void {
    const { body } = this.#request
    if (!isStream(body)) return
    if (body.destroyed && !body.readableEnded) throw broken()
    body.once('error', (cause) => {
      // Where the conn broke, that is why somebody has destroyed the body.
      if (this.#isOver || conn.closed) return
      this.#exchange?.abort()
      // It is as long as nobody said it is: undici has destroyed it.
      this.onError(errnoOf(cause).startsWith('UND_') ? cause : broken())
    })
  }

  #end(error: Error | undefined): void {
    this.#isOver = true
    this.#parts.deadlines.delete(this)
    this.#visit.end(error === undefined ? undefined : codeOf(error))
  }

  #giveBack(): void {
    if (this.#conn !== undefined) this.#parts.conns.give(this.#caller, this.#request.url, this.#conn)
  }
}

const broken = (): ServiceError => new ServiceError('CLIENT_RESET', 'the body ended too early')
