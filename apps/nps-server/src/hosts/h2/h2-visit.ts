import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { type Conn, NetError, Reader, takeSocket } from '@sluice/net'
import { type Account, type ErrorCode, type ServedRequest, ServiceError, type Serving } from '@sluice/service'
import type { HostDoor } from '../host-door.ts'
import { HostVisit } from '../host-visit.ts'
import { VisitOwner } from '../visit-owner.ts'
import { H2Line, type LineOwner } from './h2-line.ts'
import type { H2Server, StreamTaker } from './h2-server.ts'
import { LineSession } from './line-session.ts'

const MAX_HEAD_BYTES = 16 * 1024
/** How long a visitor may take to see the last answers. */
const LINGER_MS = 2000

interface Asking {
  readonly stream: ServerHttp2Stream
  readonly raw: readonly string[]
  readonly hasBody: boolean
}

/** One visitor's connection over HTTP/2, whose requests go over lines: so many as are under way at once. */
export class H2Visit implements ServedRequest, StreamTaker, LineOwner {
  readonly protocol = 'http'
  readonly account: Account
  readonly target = undefined
  readonly #conn: Conn
  readonly #ip: Reader['client']
  readonly #door: HostDoor
  readonly #owner: VisitOwner
  readonly #http2: ServerHttp2Session
  readonly #closed = Promise.withResolvers<void>()
  readonly #early: Asking[] = []
  /** Those that are open, and of them those that may be asked. */
  readonly #lines = new Map<H2Line, LineSession>()
  readonly #idle: H2Line[] = []
  #onLastLine: () => void = () => {}
  /** Not the session's own, which Node (24) leaves set when the session is destroyed. */
  #quiet: NodeJS.Timeout | undefined = undefined
  #session: Serving | undefined = undefined
  #error: Error | undefined = undefined

  /** @throws NetError CLIENT_CLOSED; ServiceError PROTOCOL_UNSUPPORTED */
  constructor(reader: Reader, door: HostDoor, server: H2Server) {
    this.account = door.directory.guest
    this.#conn = reader.release()
    this.#ip = reader.client
    this.#door = door
    this.#owner = new VisitOwner(this.account)
    const socket = takeSocket(this.#conn)
    if (socket === undefined) throw new NetError('CLIENT_CLOSED', 'the visitor left before its first request')
    const http2 = server.speak(socket, this)
    if (http2 === undefined)
      throw new ServiceError('PROTOCOL_UNSUPPORTED', 'HTTP/2 that TLS did not agree on')
    this.#http2 = http2
    const fail = (error: NodeJS.ErrnoException): void => {
      this.#error ??= brokenBy(error)
    }
    http2.on('close', () => this.#closed.resolve()).on('error', fail)
  }

  get owner(): Account {
    return this.#owner.account
  }

  async reject(code: ErrorCode): Promise<void> {
    this.#stop(new ServiceError(code))
    await this.#closed.promise
  }

  async serve(session: Serving): Promise<void> {
    this.#session = session
    const stop = (error: Error): void => this.#stop(error)
    const shutDown = (): void => this.#http2.close()
    session.onStop = stop
    session.onShutdown = shutDown
    this.#quiet = setTimeout(() => this.#onQuiet(), this.#door.forward().keepAliveMs).unref()
    for (const { stream, raw, hasBody } of this.#early.splice(0)) this.onStream(stream, raw, hasBody)
    await this.#closed.promise
    clearTimeout(this.#quiet)
    this.#quiet = undefined
    await this.#endLines()
    if (this.#error !== undefined) throw this.#error
  }

  /** @internal From the server. */
  onStream(stream: ServerHttp2Stream, raw: readonly string[], hasBody: boolean): void {
    const session = this.#session
    if (session === undefined) return void this.#early.push({ stream, raw, hasBody })
    if (stream.destroyed) return
    session.touch()
    const line = this.#idle.pop() ?? this.#open(session)
    try {
      line.ask(stream, raw, hasBody)
    } catch {
      stream.respond({ ':status': 400 }, { endStream: true })
      if (!line.closed) this.#idle.push(line)
    }
  }

  onIdle(line: H2Line): void {
    if (!line.closed) this.#idle.push(line)
    this.#rest()
  }

  #open(session: Serving): H2Line {
    const line = new H2Line(this.#conn, this)
    const own = new LineSession(session, line)
    this.#lines.set(line, own)
    void this.#serveLine(line, own)
    return line
  }

  async #endLines(): Promise<void> {
    if (this.#lines.size === 0) return
    const last = Promise.withResolvers<void>()
    this.#onLastLine = last.resolve
    for (const line of [...this.#lines.keys()]) line.destroy()
    await last.promise
  }

  async #serveLine(line: H2Line, session: LineSession): Promise<void> {
    const reader = new Reader(line, MAX_HEAD_BYTES)
    reader.client = this.#ip
    try {
      const visit = await new HostVisit(reader, 'https', this.#door, this.#owner).begin(reader)
      reader.release()
      await visit.serve(session)
    } catch {
      // Each request has a line of its own in the log, and its visitor has seen it.
    } finally {
      line.destroy()
      this.#lines.delete(line)
      const at = this.#idle.indexOf(line)
      if (at >= 0) this.#idle.splice(at, 1)
      if (this.#lines.size === 0) this.#onLastLine()
      this.#rest()
    }
  }

  get #isQuiet(): boolean {
    return this.#lines.size === this.#idle.length
  }

  /** When the last answer is out, the time begins anew within which another request has to come. */
  #rest(): void {
    if (this.#isQuiet) this.#quiet?.refresh()
  }

  #onQuiet(): void {
    if (this.#isQuiet) this.#http2.close()
  }

  #stop(error: Error): void {
    this.#error ??= error
    for (const session of this.#lines.values()) session.stop(error)
    this.#http2.close()
    setTimeout(() => this.#conn.destroy(), LINGER_MS).unref()
  }
}

/** What Node ends a connection for is what its client sent, or that it has left. */
const brokenBy = (error: NodeJS.ErrnoException): Error => {
  if (error.code === 'ERR_HTTP2_SESSION_ERROR') return new NetError('CLIENT_RESET', error.message)
  return error.code?.startsWith('ERR_HTTP2_') ? new ServiceError('HANDSHAKE_INVALID', error.message) : error
}
