import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Conn, NetError, refuse, takeSocket } from '@sluice/net'
import {
  type Account,
  type ErrorCode,
  type ServedRequest,
  ServiceError,
  type Serving,
  type UserLanes,
} from '@sluice/service'
import { type ApiDoor, LINGER_MS } from './api-door.ts'
import { Exchange, type ExchangeHost } from './exchange.ts'
import type { Login } from './login.ts'
import { parserError, problemBytes } from './problem.ts'
import { fieldOf, hasBody } from './reply.ts'
import { requestId } from './request-id.ts'
import { doneOf, writeRequestLine } from './request-line.ts'
import { route } from './routes.ts'
import type { ApiSettings } from './settings.ts'

/** How many requests of a client may wait for the one before them. */
const MAX_WAITING = 16

/** What is known of a first request before anything is answered. */
export interface FirstAsked {
  readonly isProxied: boolean
  readonly headOnly: boolean
  /** What its client calls it. */
  readonly givenId: string | undefined
}

/** Whether a request target is that of a request to a proxy. */
export const isAbsolute = (target: string): boolean => /^https?:\/\//i.test(target)

/** A connection of HTTP/1.1 with requests to the API, or for https targets, one after the other. */
export class ApiRequest implements ServedRequest, ExchangeHost {
  readonly protocol = 'http'
  /** Each request has one of its own, in its own line of the log. */
  readonly target = undefined
  readonly account: Account
  readonly credential: object | undefined
  readonly #conn: Conn
  readonly #door: ApiDoor
  readonly #login: string | undefined
  readonly #first: FirstAsked
  #session: Serving | undefined = undefined
  #socket: Socket | undefined = undefined
  #current: Exchange | undefined = undefined
  #waiting: Exchange[] | undefined = undefined
  /** No further request is answered on this connection. */
  #isLast = false
  #error: Error | undefined = undefined
  #settle: ((outcome: Promise<void> | undefined) => void) | undefined = undefined
  #lingering: NodeJS.Timeout | undefined = undefined
  #resting: NodeJS.Timeout | undefined = undefined

  constructor(conn: Conn, login: Login, first: FirstAsked, door: ApiDoor) {
    this.#conn = conn
    this.account = login.account
    this.credential = login.credential
    this.#login = login.value
    this.#first = first
    this.#door = door
  }

  get session(): Serving {
    return this.#session!
  }

  get settings(): ApiSettings {
    return this.#door.settings
  }

  lanes(): UserLanes {
    return this.session.lanes
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, refusalOf(new ServiceError(code), this.#first))
  }

  serve(session: Serving): Promise<void> {
    this.#session = session
    const socket = (this.#socket = takeSocket(this.#conn))
    if (socket === undefined) return Promise.reject(left())
    const stop = (error: Error): void => this.#stop(error)
    const finish = (): void => this.#finish()
    session.onStop = stop
    session.onShutdown = finish
    return new Promise((resolve) => {
      this.#settle = resolve
      this.#door.speakH1(socket, this)
      socket.resume()
    })
  }

  /** @internal The socket is closed. */
  onClose(): void {
    clearTimeout(this.#lingering)
    clearTimeout(this.#resting)
    const error = this.#error ?? (this.#current === undefined ? undefined : left())
    this.#settle!(error === undefined ? undefined : Promise.reject(error))
  }

  /** @internal From the server of the door. */
  onRequest(message: IncomingMessage, reply: ServerResponse): void {
    const exchange = new Exchange(message, reply, this, isAbsolute(message.url ?? ''))
    if (this.#isLast) return
    if (this.#current === undefined) this.#begin(exchange)
    else if ((this.#waiting ??= []).length < MAX_WAITING) this.#waiting.push(exchange)
    else this.#conn.reset()
  }

  /** @internal What came is no HTTP, or did not come in time. */
  onBroken(error: NodeJS.ErrnoException): void {
    const socket = this.#socket!
    if (this.#current !== undefined || this.#isLast || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    this.#isLast = true
    this.#error = parserError(error)
    socket.end(problemBytes(this.#error, false, requestId(undefined)))
    this.#linger()
  }

  cut(): void {
    this.#conn.reset()
  }

  onOver(exchange: Exchange): void {
    const done = doneOf(exchange)
    writeRequestLine(this.session, done)
    this.settings.onRequestDone?.(done)
    if (exchange !== this.#current) return
    this.session.touch()
    if (this.#conn.closed || this.#socket!.destroyed) return
    this.#current = undefined
    this.#skipRest(exchange.message as IncomingMessage)
    const next = this.#waiting?.shift()
    if (this.#isLast) this.#end()
    else if (next !== undefined) this.#begin(next)
    else this.#rest()
  }

  /** What would rest anyway had better stay unread: in memory for so long it would be more for V8 to clear away. */
  #rest(): void {
    const restMs = this.settings.restMs?.(this.session) ?? 0
    // Until the end of this turn Node has the socket read on whatever it was told.
    if (restMs > 0) setImmediate(() => this.#pause(restMs))
  }

  #pause(ms: number): void {
    const socket = this.#socket!
    if (this.#current !== undefined || socket.destroyed) return
    socket.pause()
    this.#resting = setTimeout(() => socket.resume(), ms)
  }

  #begin(exchange: Exchange): void {
    this.#current = exchange
    this.session.touch()
    const field = exchange.isProxied ? 'proxy-authorization' : 'authorization'
    const value = fieldOf(exchange.message, field)
    if (value === this.#login) {
      void route(exchange, this.#door.pages)
      return
    }
    // A connection is one user's: whoever is another has to open another.
    this.#isLast = true
    this.#close(exchange)
    exchange.fail(new ServiceError(value === undefined ? 'AUTH_REQUIRED' : 'AUTH_FAILED'))
  }

  /** Of a body that nobody wants; a connection that is closed with it unread loses its client the answer. */
  #skipRest(message: IncomingMessage): void {
    if (message.complete) return
    this.#linger()
    message.once('end', () => this.#lingered()).resume()
  }

  #end(): void {
    this.#socket!.end()
    this.#linger()
  }

  #linger(): void {
    this.#lingering ??= setTimeout(() => this.#conn.destroy(), LINGER_MS)
  }

  #lingered(): void {
    if (this.#isLast) return
    clearTimeout(this.#lingering)
    this.#lingering = undefined
  }

  /** Says in an answer that it is the last one, unless a part of its request is still to be read and dropped. */
  #close({ message, reply }: Exchange): void {
    if ((message as IncomingMessage).complete || !hasBody(message)) {
      ;(reply as ServerResponse).shouldKeepAlive = false
    }
  }

  #finish(): void {
    if (this.#isLast) return
    this.#isLast = true
    if (this.#current === undefined) this.#end()
    else if (!this.#current.reply.headersSent) this.#close(this.#current)
  }

  #stop(error: Error): void {
    this.#error = error
    this.#finish()
    this.#linger()
    this.#current?.fail(error)
  }
}

/** What is told to who asked first, and may not go on. */
export const refusalOf = (error: unknown, { isProxied, givenId, headOnly }: FirstAsked): Uint8Array =>
  problemBytes(error, isProxied, requestId(givenId), headOnly)

const left = (): NetError => new NetError('CLIENT_CLOSED', 'the client left before it had its answer')
