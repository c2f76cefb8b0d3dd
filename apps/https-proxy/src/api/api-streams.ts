import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { type Conn, NetError, type Reader, takeSocket } from '@sluice/net'
import {
  type Account,
  codeOf,
  type Directory,
  type ErrorCode,
  type OwnLanes,
  type ServedRequest,
  ServiceError,
  type Serving,
  type UserLanes,
} from '@sluice/service'
import { type ApiDoor, LINGER_MS } from './api-door.ts'
import { Exchange, type ExchangeHost } from './exchange.ts'
import { apiAccount, type Login } from './login.ts'
import { problemOf, REQUEST_ID } from './problem.ts'
import { fieldOf, sendHead } from './reply.ts'
import { requestId } from './request-id.ts'
import { doneOf, writeRequestLine } from './request-line.ts'
import { route } from './routes.ts'
import type { ApiSettings, RequestDone } from './settings.ts'
import { StreamTunnel } from './stream-tunnel.ts'

/** How often a client may be asked for credentials before its connection is closed. */
const MAX_ROUNDS = 4
/** More than all streams together may have on their way, so that none that waits holds up another. */
const CONNECTION_WINDOW = 32 * 1024 * 1024

interface Stream {
  readonly message: Http2ServerRequest
  readonly reply: Http2ServerResponse
}

/** A connection of HTTP/2 with requests to the API, or for http targets, many at once. */
export class ApiStreams implements ServedRequest, ExchangeHost {
  readonly protocol = 'http'
  readonly target = undefined
  readonly #conn: Conn
  readonly #door: ApiDoor
  readonly #isSecure: boolean
  readonly #http2: ServerHttp2Session
  readonly #closed = Promise.withResolvers<void>()
  #login: Login | undefined = undefined
  #session: Serving | undefined = undefined
  /** Those that came before the connection was let in. */
  readonly #early: Stream[] = []
  #onEarly: (() => void) | undefined = undefined
  readonly #exchanges = new Set<Exchange>()
  readonly #tunnels = new Set<StreamTunnel>()
  readonly #lanes = new Map<Exchange, OwnLanes>()
  #error: Error | undefined = undefined

  /** @throws NetError CLIENT_CLOSED; ServiceError PROTOCOL_UNSUPPORTED */
  constructor(conn: Conn, door: ApiDoor) {
    this.#conn = conn
    this.#door = door
    const socket = takeSocket(conn)
    if (socket === undefined) throw left()
    this.#isSecure = (socket as Partial<TLSSocket>).encrypted === true
    const http2 = door.speakH2(socket, this)
    if (http2 === undefined)
      throw new ServiceError('PROTOCOL_UNSUPPORTED', 'HTTP/2 that TLS did not agree on')
    this.#http2 = http2
    http2
      .on('close', () => this.#closed.resolve())
      .on('error', (error: Error) => (this.#error ??= brokenBy(error)))
    http2.on('timeout', () => this.#onIdle())
  }

  get account(): Account {
    return this.#login!.account
  }

  get credential(): object | undefined {
    return this.#login!.credential
  }

  get session(): Serving {
    return this.#session!
  }

  get settings(): ApiSettings {
    return this.#door.settings
  }

  /** Whoever asks first says who they are. @throws what `apiAccount` throws, once it was told */
  async signIn(reader: Reader, directory: Directory): Promise<void> {
    for (let round = 1; ; round += 1) {
      const asked = await reader.wait(this.#nextEarly())
      const isProxied = this.#isProxied(asked)
      try {
        const { isOpen } = this.settings
        this.#login = await apiAccount(valueOf(asked, isProxied), directory, reader, isOpen)
        this.#early.unshift(asked)
        return
      } catch (error) {
        tell(asked, error, isProxied)
        if (codeOf(error) !== 'AUTH_REQUIRED' || round === MAX_ROUNDS) {
          await this.reject(codeOf(error))
          throw error
        }
      }
    }
  }

  async reject(code: ErrorCode): Promise<void> {
    for (const stream of this.#early.splice(0)) tell(stream, new ServiceError(code), this.#isProxied(stream))
    this.#http2.close()
    const timer = setTimeout(() => this.#http2.destroy(), LINGER_MS)
    await this.#closed.promise
    clearTimeout(timer)
  }

  async serve(session: Serving): Promise<void> {
    this.#session = session
    const stop = (error: Error): void => this.#stop(error)
    const shutDown = (): void => this.#http2.close()
    session.onStop = stop
    session.onShutdown = shutDown
    if (!this.#http2.destroyed) this.#http2.setLocalWindowSize(CONNECTION_WINDOW)
    this.#http2.setTimeout(this.settings.keepAliveMs)
    for (const stream of this.#early.splice(0)) this.#begin(stream)
    await this.#closed.promise
    if (this.#error !== undefined) throw this.#error
  }

  /** @internal From the server of the door. */
  onRequest(message: Http2ServerRequest, reply: Http2ServerResponse): void {
    // Of a stream that breaks, 'close' and 'aborted' tell.
    message.stream.on('error', ignore)
    if (this.#session !== undefined) return this.#begin({ message, reply })
    this.#early.push({ message, reply })
    this.#onEarly?.()
  }

  lanes(exchange: Exchange): UserLanes {
    const known = this.#lanes.get(exchange)
    if (known !== undefined) return known
    const opened = this.session.openLanes()
    this.#lanes.set(exchange, opened)
    return opened
  }

  cut({ reply }: Exchange): void {
    ;(reply as Http2ServerResponse).stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  onOver(exchange: Exchange): void {
    this.#done(exchange, doneOf(exchange))
  }

  #done(exchange: Exchange, done: RequestDone): void {
    writeRequestLine(this.session, done)
    this.settings.onRequestDone?.(done)
    this.#exchanges.delete(exchange)
    this.#lanes.get(exchange)?.close()
    this.#lanes.delete(exchange)
    this.session.touch()
  }

  #begin(stream: Stream): void {
    const { message, reply } = stream
    const isProxied = this.#isProxied(stream)
    const exchange = new Exchange(message, reply, this, isProxied)
    this.#exchanges.add(exchange)
    this.session.touch()
    // That of the reply itself comes when all is over. The last frame of it goes out at the end of this turn.
    reply.stream.once('finish', () => setImmediate(skipRest, stream))
    const value = valueOf(stream, isProxied)
    if (value === this.#login!.value) {
      if (exchange.method === 'CONNECT') void this.#tunnel(exchange)
      else void route(exchange, this.#door.pages)
    }
    // A connection is one user's: whoever is another has to open another.
    else exchange.fail(new ServiceError(value === undefined ? 'AUTH_REQUIRED' : 'AUTH_FAILED'))
  }

  async #tunnel(exchange: Exchange): Promise<void> {
    const tunnel = new StreamTunnel(exchange, this.session, this.settings, this.#conn)
    this.#tunnels.add(tunnel)
    try {
      const done = await tunnel.run()
      if (done !== undefined) this.#done(exchange, done)
    } catch (error) {
      exchange.fail(error)
    } finally {
      this.#tunnels.delete(tunnel)
    }
  }

  /** A client that asks for http over TLS, or the other way round, cannot mean us. */
  #isProxied({ message }: Stream): boolean {
    if (message.method === 'CONNECT') return true
    return message.scheme !== (this.#isSecure ? 'https' : 'http')
  }

  async #nextEarly(): Promise<Stream> {
    if (this.#early.length === 0) {
      await Promise.race([
        new Promise<void>((resolve) => (this.#onEarly = resolve)),
        this.#closed.promise.then(() => Promise.reject(left())),
      ])
    }
    return this.#early.shift()!
  }

  #onIdle(): void {
    if (this.#exchanges.size === 0) this.#http2.close()
  }

  #stop(error: Error): void {
    this.#error = error
    for (const tunnel of [...this.#tunnels]) tunnel.cut(error)
    for (const exchange of [...this.#exchanges]) exchange.fail(error)
    this.#http2.close()
    setTimeout(() => this.#conn.destroy(), LINGER_MS).unref()
  }
}

const valueOf = ({ message }: Stream, isProxied: boolean): string | undefined =>
  fieldOf(message, isProxied ? 'proxy-authorization' : 'authorization')

const tell = ({ message, reply }: Stream, error: unknown, isProxied: boolean): void => {
  if (reply.stream.destroyed) return
  const { status, fields, body } = problemOf(error, isProxied)
  const id = requestId(fieldOf(message, 'sluice-request-id'))
  sendHead(reply, status, [...fields, [REQUEST_ID, id]])
  reply.end(body)
}

/** Of a body that nobody wants: its client need not send it, and what has come of it is let go. */
const skipRest = ({ message, reply }: Stream): void => {
  if (reply.stream.destroyed) return
  if (reply.stream.state.remoteClose === 0) reply.stream.close(constants.NGHTTP2_NO_ERROR)
  // A stream is not over for Node while some of it is unread.
  message.resume()
}

/** What Node ends a connection for is what its client sent, or that it has left. */
const brokenBy = (error: NodeJS.ErrnoException): Error => {
  if (error.code === 'ERR_HTTP2_SESSION_ERROR') return left()
  return error.code?.startsWith('ERR_HTTP2_') ? new ServiceError('HANDSHAKE_INVALID', error.message) : error
}

const ignore = (): void => {}

const left = (): NetError => new NetError('CLIENT_CLOSED', 'the client left before it had its answer')
