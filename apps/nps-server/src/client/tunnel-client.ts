import { randomBytes } from 'node:crypto'
import { hostname, platform } from 'node:os'
import { type Conn, createDial, createLocate, createResolver, type Dial } from '@sluice/net'
import { createLog, type Log, ServiceError } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { BridgeInfo, BridgeRole, BridgeTerms, StreamHeader } from '@sluice/wire/bridge'
import type { ClientStatus } from '../bridge/client-status.ts'
import { type Enrolment, parseEnrolment } from '../bridge/enrolment.ts'
import { type ClientKeys, clientKeys } from '../bridge/keys.ts'
import { openStream } from '../bridge/open-stream.ts'
import { YamuxMux } from '../mux/index.ts'
import { BridgeError } from './bridge-error.ts'
import { connectBridge } from './client-login.ts'
import { FileServer } from './files/file-server.ts'
import { IncomingStreams } from './incoming-streams.ts'
import { OwnNetworkPolicy } from './own-network-policy.ts'
import { readJson } from './read-json.ts'
import { RetryWaits } from './retry-waits.ts'
import type { Traffic } from './traffic.ts'

export interface TunnelClientEvents {
  /** The server has let it in, for the first time or again. */
  up?(at: Address, terms: BridgeTerms): void
  /** It is not there, and is tried again after `retryMs`. */
  down?(error: Error, retryMs: number): void
}

export interface TunnelClientOptions {
  /** As the server has given it. @throws WireError where it is none */
  readonly enrolment: Enrolment | string
  /** CIDRs or addresses that may be dialled besides this machine itself. */
  readonly allow?: readonly string[]
  /** A folder whose files are served to visitors of `file` tunnels. @default none */
  readonly files?: string | undefined
  /** Folders in it that have no index.html show what is in them. @default false */
  readonly listing?: boolean
  /** `visit` takes no visitors of the client's own tunnels. @default serve */
  readonly role?: BridgeRole
  /** What it says it is. */
  readonly version?: string
  /** How long streams may go on after `stop`, ms. @default 30,000 */
  readonly graceMs?: number
  /** @default warnings on stdout, one log for all clients of this process */
  readonly log?: Log
  readonly events?: TunnelClientEvents
  /** @default over TCP to anywhere */
  readonly dial?: Dial
  /** 0 to less than 1. @default Math.random */
  readonly random?: () => number
}

/** As of now. */
export interface TunnelClientStatus {
  /** Where it is connected. */
  readonly server: Address | undefined
  readonly rttMs: number
  /** Streams of visitors. */
  readonly streams: number
  /** Payload bytes so far. */
  readonly up: number
  readonly down: number
}

/** From the first look at the server's name to its word. */
const LOGIN_MS = 15_000
const ANSWER_MS = 10_000
/** Of all clients of this process: it remembers names. */
const resolver = createResolver()
const anywhere = createDial({ policy: { check: () => {} }, resolver })
let shared: Log | undefined
const warnings = (): Log => (shared ??= createLog({ level: 'warn' }))

/**
 * The client program of the native bridge: keeps a connection to the server, gets it back after a loss, and leads the streams
 * that the server opens to targets that it may dial.
 */
export class TunnelClient {
  /** Resolves after `stop`; rejects with the BridgeError for which it is no use to go on. */
  readonly ended: Promise<void>
  readonly #options: TunnelClientOptions
  readonly #enrolment: Enrolment
  readonly #keys: ClientKeys
  readonly #info: BridgeInfo
  readonly #streams: IncomingStreams
  readonly #traffic: Traffic = { up: 0, down: 0 }
  readonly #waits: RetryWaits
  readonly #stop = new AbortController()
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers()
  #mux: YamuxMux | undefined = undefined
  /** Settles when the connection is over. */
  #over: Promise<unknown> | undefined = undefined
  #server: Address | undefined = undefined
  #hasBeenUp = false
  #running: Promise<void> | undefined = undefined
  #stopping: Promise<void> | undefined = undefined

  /** @throws WireError where the enrolment is none; RangeError where `allow` has something else than networks */
  constructor(options: TunnelClientOptions) {
    const {
      enrolment,
      allow,
      log = warnings(),
      random,
      version = '',
      role = 'serve',
      files: folder,
      listing = false,
    } = options
    this.#options = options
    this.#enrolment = typeof enrolment === 'string' ? parseEnrolment(enrolment) : enrolment
    this.#keys = clientKeys(this.#enrolment.secret)
    this.#waits = new RetryWaits(random)
    const instance = randomBytes(16).toString('hex')
    this.#info = { role, version, host: hostname().slice(0, 128), os: platform(), instance }
    const policy = new OwnNetworkPolicy(allow)
    const locate = createLocate({ policy, resolver })
    this.#streams = new IncomingStreams({
      dial: createDial({ policy, resolver }),
      locate: (target) => locate(target),
      files:
        folder === undefined ? undefined : new FileServer({ folder, listing, traffic: this.#traffic, log }),
      traffic: this.#traffic,
      log,
    })
    this.ended = this.#end.promise
    // Nobody has to look.
    this.ended.catch(() => {})
  }

  get status(): TunnelClientStatus {
    const { up, down } = this.#traffic
    return { server: this.#server, rttMs: this.#mux?.rttMs ?? 0, streams: this.#streams.size, up, down }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Takes no more streams, lets those that are open end within the grace, and closes. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain()
    return this.#stopping
  }

  /** Ends a stop that is under way: all streams now. */
  hurry(): void {
    this.#streams.cutAll()
  }

  /** What this client has at the server. @throws BridgeError BRIDGE_LOST; NetError, ServiceError, WireError */
  async ask(signal: AbortSignal = AbortSignal.timeout(ANSWER_MS)): Promise<ClientStatus> {
    return (await readJson(await this.#open({ type: 'status' }, signal))) as ClientStatus
  }

  /**
   * A stream to a secret tunnel of the server, whoever's it is.
   * @param passwordMd5 of its password, in hex
   * @throws BridgeError BRIDGE_LOST; NetError, ServiceError as the server tells; the signal's reason
   */
  visit(passwordMd5: string, signal: AbortSignal): Promise<Conn> {
    return this.#open({ type: 'visit', password: passwordMd5 }, signal)
  }

  async #open(header: StreamHeader, signal: AbortSignal): Promise<Conn> {
    if (this.#mux === undefined) throw new BridgeError('BRIDGE_LOST', 'there is no connection to the server')
    return openStream(this.#mux.open(), header, signal)
  }

  async #run(): Promise<void> {
    try {
      for (let turn = 0; !this.#stop.signal.aborted; turn += 1) await this.#attempt(turn)
    } catch (error) {
      this.#end.reject(error)
    }
  }

  /** Until the connection is over, and the wait behind it. @throws BridgeError for which it is no use to go on */
  async #attempt(turn: number): Promise<void> {
    const { server } = this.#enrolment
    try {
      await this.#session(server[turn % server.length]!)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      if (this.#isFinal(error, turn)) throw error
      const retryMs = this.#waits.next()
      this.#options.events?.down?.(error as Error, retryMs)
      await sleep(retryMs, this.#stop.signal)
    }
  }

  /** @throws why there is no connection any more */
  async #session(at: Address): Promise<void> {
    const { fingerprint } = this.#enrolment
    const { dial = anywhere, events } = this.#options
    const parts = { dial, keys: this.#keys, fingerprint, info: this.#info }
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(LOGIN_MS)])
    const { conn, terms } = await connectBridge(at, parts, signal)
    if (this.#stop.signal.aborted) return conn.destroy()
    const over = Promise.withResolvers<Error | undefined>()
    this.#over = over.promise
    const { maxStreams, pingMs, deadMs } = terms
    this.#mux = new YamuxMux({
      ...{ conn, isOpener: true, maxStreams, pingMs, deadMs },
      onStream: (stream) => this.#streams.take(stream),
      onClose: over.resolve,
    })
    this.#server = at
    this.#hasBeenUp = true
    this.#waits.reset()
    events?.up?.(at, terms)
    const error = await over.promise
    this.#mux = this.#server = undefined
    throw new BridgeError('BRIDGE_LOST', lossOf(error), { cause: error })
  }

  /**
   * A secret that the server does not know will not be known later. A server with another key may be a mistake on the way, such as
   * a network that wants a login first, unless it was so from the beginning, at every address.
   */
  #isFinal(error: unknown, turn: number): boolean {
    if (!(error instanceof BridgeError)) return true
    if (error.code === 'BRIDGE_REFUSED') return true
    const isLast = turn + 1 >= this.#enrolment.server.length
    return error.code === 'BRIDGE_SERVER' && !this.#hasBeenUp && isLast
  }

  async #drain(): Promise<void> {
    const { graceMs = GRACE_MS } = this.#options
    const grace = setTimeout(() => this.hurry(), graceMs)
    const drained = this.#streams.drained()
    await this.#leave()
    await drained
    clearTimeout(grace)
    this.#stop.abort(new ServiceError('SHUTDOWN'))
    // The server closes it, once it sees that no stream is left: so both know that all was said.
    const waited = new AbortController()
    if (this.#mux !== undefined) await Promise.race([this.#over, sleep(LAST_WORDS_MS, waited.signal)])
    waited.abort()
    this.#mux?.close()
    await this.#running
    this.#end.resolve()
  }

  /** Tells the server, so that it leads nobody here any more. */
  async #leave(): Promise<void> {
    if (this.#mux === undefined) return
    try {
      const stream = await this.#open({ type: 'leave' }, AbortSignal.timeout(ANSWER_MS))
      stream.destroy()
    } catch {
      // Then it finds out by itself.
    }
  }
}

/** As seen from here: AGENT_LOST is what the server says of this side. */
const lossOf = (error: Error | undefined): string => {
  if (error === undefined) return 'the server has closed the connection'
  const isLost = error instanceof ServiceError && error.code === 'AGENT_LOST'
  return isLost ? 'the server was silent for too long, or the connection broke' : error.message
}

const GRACE_MS = 30_000
const LAST_WORDS_MS = 1000

/** Ends early, and does not reject, where `signal` is aborted. */
const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
