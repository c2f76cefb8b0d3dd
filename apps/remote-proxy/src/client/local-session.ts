import { type DoorMetrics, Flow } from '@sluice/metrics'
import { type Conn, type ConnSink, type Lane, NetError, Reader, Relay } from '@sluice/net'
import { type Code, codeOf, type Log, ServiceError } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { type LocalRequest, readHttp, type ReadLocalRequest, readSocks5 } from './local-request.ts'
import { ownRefusal, type Refusal, serverAway, ServerRefusal } from './refusal.ts'
import type { ServerLink } from './server-link.ts'
import { askServer } from './server-request.ts'

export interface LocalSessionParts {
  readonly link: ServerLink
  readonly proto: 'socks5' | 'http' | undefined
  readonly log: Log
  readonly metrics: DoorMetrics
}

/** From accept to a whole request. */
const HANDSHAKE_MS = 10_000
const MAX_HANDSHAKE_BYTES = 16 * 1024
const SOCKS5 = 0x05

/** One local client, from accept to its line in the log. */
export class LocalSession implements ConnSink {
  readonly #client: Conn
  readonly #parts: LocalSessionParts
  readonly #abort = new AbortController()
  readonly #flow = new Flow()
  readonly #remote: Address
  readonly #startedAt = performance.now()
  #server: Conn | undefined = undefined
  #relay: Relay | undefined = undefined
  #request: LocalRequest | undefined = undefined
  #target: Address | undefined = undefined

  constructor(client: Conn, parts: LocalSessionParts) {
    this.#client = client
    this.#remote = client.remote
    this.#parts = parts
    parts.metrics.opened()
  }

  /** Never throws: how it went is its line in the log. */
  async run(): Promise<void> {
    let code: Code = 'OK'
    try {
      const { access } = this.#parts.link
      if (access.tls === undefined) await this.#pump(access.line)
      else await this.#translate(access.credentials)
    } catch (error) {
      code = codeOf(error)
      if (code === 'INTERNAL') this.#parts.log.error({ err: error }, 'session.failed')
      await this.#reject(error)
    } finally {
      this.#server?.destroy()
      this.#client.destroy()
      this.#close(code)
    }
  }

  /** Ends it now, where it is not relaying yet. */
  drain(): void {
    if (this.#relay === undefined) this.cut()
  }

  cut(): void {
    const error = new ServiceError('SHUTDOWN')
    this.#abort.abort(error)
    this.#relay?.cut(error)
  }

  /** The line, then whatever the client and the server have to say to each other. */
  async #pump(line: Uint8Array): Promise<void> {
    const read = await this.#reading((reader) => this.#protocol(reader))
    try {
      this.#server = await this.#reach()
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#request = await this.#reading(read)
      throw error
    }
    this.#server.write(line)
    await this.#relayed(this.#server)
  }

  /** The client's request in other words, and the server's answer in the client's. */
  async #translate(credentials: Parameters<typeof askServer>[1]): Promise<void> {
    const request = await this.#reading(async (reader) => (await this.#protocol(reader))(reader))
    this.#request = request
    const target = (this.#target = request.target())
    this.#server = await this.#reach()
    const bound = await this.#waiting(askServer(this.#server, credentials, target, this.#abort.signal))
    this.#request = undefined
    request.accept(bound)
    await this.#relayed(this.#server)
  }

  async #reading<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    const reader = new Reader(this.#client, MAX_HANDSHAKE_BYTES)
    const { signal } = this.#abort
    const fail = (): void => reader.fail(signal.reason as Error)
    const late = new NetError('HANDSHAKE_TIMEOUT', 'no complete request came in time')
    const timer = setTimeout(() => reader.fail(late), HANDSHAKE_MS)
    signal.addEventListener('abort', fail)
    try {
      const value = await read(reader)
      reader.release()
      return value
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', fail)
    }
  }

  async #protocol(reader: Reader): Promise<ReadLocalRequest> {
    const first = await reader.peek()
    const { proto } = this.#parts
    if (first === SOCKS5 && proto !== 'http') return readSocks5
    if (first >= 0x41 && first <= 0x5a && proto !== 'socks5') return readHttp
    throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
  }

  /** A way to the server; given up when the client leaves. */
  #reach(): Promise<Conn> {
    return this.#waiting(this.#parts.link.open(this.#abort.signal))
  }

  /** While nobody reads the client, it is only asked whether it is still there. */
  async #waiting<T>(work: Promise<T>): Promise<T> {
    this.#client.attach(this)
    this.#client.resume()
    try {
      return await work
    } finally {
      this.#client.attach(undefined)
    }
  }

  async #relayed(server: Conn): Promise<void> {
    this.#abort.signal.throwIfAborted()
    const flow = this.#flow
    const lane = (direction: 'up' | 'down'): Lane => ({
      limiter: undefined,
      onGrant: (): void => {},
      count: (bytes): void => flow.add(direction, bytes),
    })
    this.#relay = new Relay(this.#client, server, { up: lane('up'), down: lane('down') })
    await this.#relay.run()
  }

  async #reject(error: unknown): Promise<void> {
    const request = this.#request
    if (request === undefined || this.#abort.signal.aborted) return
    await request.reject(this.#refusal(error))
  }

  #refusal(error: unknown): Refusal {
    if (error instanceof ServerRefusal) return error.refusal
    return this.#server === undefined && error instanceof NetError
      ? serverAway(error)
      : ownRefusal(codeOf(error))
  }

  #close(code: Code): void {
    const { log, metrics } = this.#parts
    const ms = performance.now() - this.#startedAt
    const { up, down } = this.#flow
    metrics.relayed({ up, down })
    metrics.ended(code, ms)
    const target = this.#target && formatAddress(this.#target)
    const client = formatAddress(this.#remote)
    log.info({ door: 'local', client, target, code, up, down, ms: Math.round(ms) }, 'session.end')
  }

  /** @internal From the client, while the server is asked. */
  onData(chunk: Uint8Array): void {
    this.#client.pause()
    this.#client.unread(chunk)
  }

  /** @internal */
  onEnd(): void {}

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onClose(cause: Error | undefined): void {
    this.#abort.abort(new NetError('CLIENT_CLOSED', 'the client left before there was an answer', { cause }))
  }
}
