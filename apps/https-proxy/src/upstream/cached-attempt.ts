import type { HttpField } from '@sluice/wire'
import type { Dispatcher } from 'undici'
import type { AttemptSink } from './attempt.ts'
import type { OriginRequest } from './origin-conn.ts'
import type { CacheDispatch, ResponseCache } from './response-cache.ts'

type Headers = Record<string, string | string[]>
type Controller = Dispatcher.DispatchController
type Handler = Dispatcher.DispatchHandler

/** One try at an answer. */
export interface Attempting {
  readonly bytesSent: number
  /** @param fresh over a conn that was not used before */
  run(fresh: boolean): Promise<void>
  resume(): void
  abort(error: Error): void
}

export type Ask = (request: OriginRequest, sink: AttemptSink) => Attempting

/** An answer out of the cache, or from the origin, or from the origin's word that the cache is still right. */
export class CachedAttempt implements Attempting, Handler {
  readonly #cache: ResponseCache
  readonly #ask: Ask
  readonly #request: OriginRequest
  readonly #sink: AttemptSink
  #fresh = false
  #live: LiveAnswer | undefined = undefined
  /** Whatever the answer comes from. */
  #source: Controller | undefined = undefined
  #land: () => void = () => {}
  #isOver = false

  constructor(cache: ResponseCache, ask: Ask, request: OriginRequest, sink: AttemptSink) {
    this.#cache = cache
    this.#ask = ask
    this.#request = request
    this.#sink = sink
  }

  get bytesSent(): number {
    return this.#live?.bytesSent ?? 0
  }

  async run(fresh: boolean): Promise<void> {
    this.#fresh = fresh
    const { url, fields, method } = this.#request
    const flight = this.#cache.flight(url)
    // Not to wait where there is none: others would come between this look and the take-off.
    if (flight !== undefined) await flight
    if (this.#isOver) return
    const options: CacheDispatch = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: fields.flat(),
      live: (given, handler) => this.#goLive(given, handler),
    }
    try {
      this.#cache.dispatch(options, this)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  resume(): void {
    if (this.#source === this.#live) this.#live?.release()
    else this.#source?.resume()
  }

  abort(error: Error): void {
    this.#end(error)
    if (this.#source !== this.#live) this.#source?.abort(error)
  }

  onRequestStart(controller: Controller): void {
    this.#source = controller
  }

  onResponseStart(controller: Controller, status: number, headers: Record<string, unknown>): void {
    if (this.#isOver) return
    this.#source = controller
    if (controller === this.#live) return this.#sink.onHead(status, this.#live.fields)
    this.#cache.hits += 1
    this.#sink.onHead(status, fieldsOf(headers as Headers), true)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#isOver || this.#sink.onData(chunk)) return
    if (controller === this.#live) this.#live.hold()
    else controller.pause()
  }

  onResponseEnd(controller: Controller): void {
    if (this.#isOver) return
    const trailers = controller === this.#live ? this.#live.trailers : []
    this.#end(undefined)
    this.#sink.onEnd(trailers)
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#fail(error, this.#live?.isStale)
  }

  #goLive(given: Dispatcher.DispatchOptions, handler: Handler): void {
    // What is asked for behind the back of whoever asked, such as for stale-while-revalidate, would have no slot.
    if (this.#isOver || this.#source !== undefined) return
    const fields = [...this.#request.fields, ...added(this.#request.fields, given.headers as Headers)]
    const request = { ...this.#request, fields }
    this.#land = this.#cache.takeOff(request.url)
    const live = new LiveAnswer(this.#cache, handler, this.#sink, this.#land)
    this.#live = live
    live.attempt = this.#ask(request, live)
    void live.attempt.run(this.#fresh)
  }

  #fail(error: Error, isStale = false): void {
    if (this.#isOver) return
    this.#end(error)
    this.#sink.onFailed(error, isStale)
  }

  #end(error: Error | undefined): void {
    this.#isOver = true
    this.#live?.attempt?.abort(error ?? new Error('it has its answer'))
    // What was stored is there a moment later.
    setImmediate(this.#land)
  }
}

/** What the origin says, as undici's cache wants to hear it. */
class LiveAnswer implements AttemptSink, Controller {
  attempt: Attempting | undefined = undefined
  fields: readonly HttpField[] = []
  trailers: readonly HttpField[] = []
  isStale = false
  aborted = false
  reason: Error | null = null
  readonly #cache: ResponseCache
  readonly #handler: Handler
  readonly #sink: AttemptSink
  readonly #land: () => void
  #isStoring = false
  /** The cache is not ready for more; the client is not. */
  #isPaused = false
  #isHeld = false

  constructor(cache: ResponseCache, handler: Handler, sink: AttemptSink, land: () => void) {
    this.#cache = cache
    this.#handler = handler
    this.#sink = sink
    this.#land = land
  }

  get bytesSent(): number {
    return this.attempt?.bytesSent ?? 0
  }

  get paused(): boolean {
    return this.#isPaused || this.#isHeld
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (!this.#isHeld) this.attempt?.resume()
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    if (!this.#isPaused) this.attempt?.resume()
  }

  abort(reason: Error): void {
    this.aborted = true
    this.reason = reason
    this.attempt?.abort(reason)
  }

  onSent(): void {
    this.#sink.onSent()
  }

  onInterim(status: number, fields: readonly HttpField[]): void {
    this.#sink.onInterim(status, fields)
  }

  onHead(status: number, fields: readonly HttpField[]): void {
    this.fields = fields
    const before = this.#cache.stored
    this.#handler.onRequestStart?.(this, null)
    this.#handler.onResponseStart?.(this, status, headersOf(fields), '')
    this.#isStoring = this.#cache.stored > before
    if (!this.#isStoring) this.#land()
  }

  onData(chunk: Uint8Array): boolean {
    // What is kept must not keep the whole of what was read with it.
    this.#handler.onResponseData?.(this, this.#isStoring ? Buffer.from(chunk) : (chunk as Buffer))
    return !this.paused
  }

  onEnd(trailers: readonly HttpField[]): void {
    this.trailers = trailers
    this.#handler.onResponseEnd?.(this, {})
  }

  onFailed(error: Error, isStale: boolean): void {
    this.isStale = isStale
    this.#handler.onResponseError?.(this, error)
  }
}

/** What stale-while-revalidate allows would be asked for outside of the queue. */
const withoutBackground = (value: string): string =>
  value.replaceAll(/\s*,?\s*stale-while-revalidate\s*=\s*"?\d+"?/gi, '').replace(/^\s*,\s*/, '')

const headersOf = (fields: readonly HttpField[]): Headers => {
  const headers: Headers = {}
  for (const [name, given] of fields) {
    const key = name.toLowerCase()
    const value = key === 'cache-control' ? withoutBackground(given) : given
    const before = headers[key]
    headers[key] = before === undefined ? value : [before, value].flat()
  }
  return headers
}

const fieldsOf = (headers: Headers): HttpField[] =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each): HttpField => [name, each]))

/** Fields that the cache has put to a request. */
const added = (fields: readonly HttpField[], headers: Headers): HttpField[] => {
  const own = new Set(fields.map(([name]) => name.toLowerCase()))
  return fieldsOf(headers).filter(([name]) => !own.has(name))
}
