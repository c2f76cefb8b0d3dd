import { type Conn, type ConnSink, NetError, refuse } from '@sluice/net'
import {
  type Account,
  codeOf,
  type ErrorCode,
  ServiceError,
  type ServedRequest,
  type Serving,
} from '@sluice/service'
import { encodeRelayFrame, RELAY_STATUS, type RelayFrame, type RelayStatus } from '@sluice/wire/relay'
import type { ControlDesk } from './control-desk.ts'
import { readKnown } from './login.ts'
import type { Control } from './reservations.ts'
import { statusOf } from './status-of.ts'
import type { Swept } from './sweeper.ts'
import type { Who } from './who.ts'

/** Frames that wait for a peer that reads too slowly; one more, and it is given up. */
const MAX_QUEUED = 64
/** So many frames are taken in a second; those behind them wait. */
const MAX_FRAMES = 64
/** How long it may take none of them. */
const WRITE_MS = 5000
const NOTHING = new Uint8Array(0)
/** What a peer that has said no HELLO is never sent. */
const BEYOND_SEED: ReadonlySet<RelayFrame['type']> = new Set(['reservation', 'notice', 'goaway'])
/** Nobody looks at what comes back, but at that something does. */
const PING = encodeRelayFrame({ type: 'ping', opaque: new Uint8Array(8) })

export interface ControlParts {
  readonly conn: Conn
  readonly peer: Who
  /** Its first request. */
  readonly first: RelayFrame
  /** What it has not been told yet. */
  readonly greeting: Uint8Array
}

/**
 * A conn on which a peer holds, or may come to hold, a reservation. There may be many thousands of which hardly any does
 * anything, so it has no timers of its own: the desk looks at all of them now and then.
 */
export class ControlConn implements ServedRequest, Control, ConnSink, Swept {
  readonly protocol = 'reserve'
  readonly target = undefined
  readonly peer: Who
  /** When it came, ms since 1970. */
  readonly since: number = Date.now()
  readonly #desk: ControlDesk
  readonly #conn: Conn
  #first: RelayFrame | undefined
  /** Has to go in front of all else. */
  #greeting: Uint8Array | undefined
  #session: Serving | undefined = undefined
  #settle: ((error: Error | undefined) => void) | undefined = undefined
  /** The beginning of a frame. */
  #rest: Uint8Array | undefined = undefined
  /** Frames behind one that the conn has not taken yet. */
  #queue: Uint8Array[] | undefined = undefined
  #blockedAt = 0
  #heardAt = 0
  #pinged = false
  /** Frames since the last sweep. */
  #taken = 0
  #ending = false

  constructor(desk: ControlDesk, { conn, peer, first, greeting }: ControlParts) {
    this.#desk = desk
    this.#conn = conn
    this.peer = peer
    this.#first = first
    this.#greeting = greeting
  }

  get account(): Account {
    return this.peer.account
  }

  get credential(): object | undefined {
    return this.peer.credential
  }

  reject(code: ErrorCode): Promise<void> {
    const words = encodeRelayFrame({ type: 'reserveResponse', status: statusOf(code), addresses: [] })
    return refuse(this.#conn, Buffer.concat([this.#greeting ?? NOTHING, words]))
  }

  serve(session: Serving): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error))
      this.#session = session
      session.onStop = (error): void => this.#stopped(error)
      session.onShutdown = (): void => this.dismiss(RELAY_STATUS.SHUTTING_DOWN, new ServiceError('SHUTDOWN'))
      this.#heardAt = this.#desk.now()
      this.#desk.enter(this)
      this.#conn.attach(this)
      const first = this.#first!
      this.#first = undefined
      this.#take(first)
      if (!this.#ending) this.#flow()
    })
  }

  /** All at once: each write costs a system call. */
  send(...frames: RelayFrame[]): void {
    if (this.#ending) return
    const known = this.peer.isSeed ? frames.filter(({ type }) => !BEYOND_SEED.has(type)) : frames
    if (known.length === 0) return
    const bytes = known.map((frame) => encodeRelayFrame(frame))
    if (this.#greeting !== undefined) bytes.unshift(this.#greeting)
    this.#greeting = undefined
    this.#write(bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes))
  }

  /** @param error the outcome of the session; none is an ordinary end */
  dismiss(status: RelayStatus, error: Error | undefined = outcomeOf(status)): void {
    const { reconnectAfterMs, tryForMs, address } = this.#desk.wayBack(status)
    const words: RelayFrame = { type: 'goaway', status, reconnectAfterMs, tryForMs, address }
    this.#end(error, this.peer.isSeed ? NOTHING : encodeRelayFrame(words))
  }

  sweep(now: number): void {
    this.#goOn()
    if (this.#ending) return
    if (this.#blockedAt > 0 && now - this.#blockedAt >= WRITE_MS) return this.#giveUp()
    const quiet = now - this.#heardAt
    const { pingMs, idleMs } = this.#desk.patience
    if (idleMs > 0 && quiet >= idleMs) return this.dismiss(RELAY_STATUS.IDLE_TIMEOUT)
    if (pingMs === 0 || quiet < pingMs || this.#pinged) return
    this.#pinged = true
    this.#write(PING)
  }

  /** @internal */
  onData(chunk: Uint8Array): void {
    this.#heardAt = this.#desk.now()
    this.#pinged = false
    this.#session?.touch()
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#parse(bytes)
  }

  /** @internal The peer wants nothing any more. */
  onEnd(): void {
    this.#end(undefined, NOTHING)
  }

  /** @internal */
  onDrain(): void {
    const queue = this.#queue
    this.#queue = undefined
    this.#blockedAt = 0
    if (this.#ending) return
    if (queue !== undefined) for (const frame of queue) this.#write(frame)
    this.#flow()
  }

  /** @internal */
  onClose(cause: Error | undefined): void {
    this.#end(new NetError('CLIENT_RESET', 'the control connection broke', { cause }))
  }

  /** Ends what a peer does wrong, and tells it. */
  fail(error: Error): void {
    const words = encodeRelayFrame({ type: 'notice', status: statusOf(codeOf(error)), text: error.message })
    this.#end(error, this.peer.isSeed ? NOTHING : words)
  }

  /** Takes the frames that are whole, and keeps the rest. */
  #parse(all: Uint8Array): void {
    let bytes = all
    this.#rest = undefined
    try {
      while (bytes.length > 0 && !this.#ending && this.#taken < MAX_FRAMES) {
        const decoded = readKnown(bytes)
        if (decoded === undefined) break
        bytes = bytes.subarray(decoded.size)
        this.#take(decoded.value)
      }
    } catch (error) {
      return this.fail(error as Error)
    }
    if (this.#ending) return
    // Copied: the chunk is only lent.
    if (bytes.length > 0) this.#rest = Buffer.from(bytes)
    if (this.#taken >= MAX_FRAMES) this.#conn.pause()
  }

  #take(frame: RelayFrame): void {
    this.#taken += 1
    this.#desk.take(this, frame)
  }

  /** A second is over: who has asked for too much may ask for more. */
  #goOn(): void {
    const wasHeld = this.#taken >= MAX_FRAMES
    this.#taken = 0
    if (!wasHeld) return
    const rest = this.#rest
    if (rest !== undefined) this.#parse(rest)
    if (!this.#ending) this.#flow()
  }

  /** Reads on, unless there is a reason not to. */
  #flow(): void {
    if (this.#blockedAt === 0 && this.#taken < MAX_FRAMES) this.#conn.resume()
  }

  #stopped(error: Error): void {
    this.dismiss(statusOf(codeOf(error)), error)
  }

  #write(bytes: Uint8Array): void {
    if (this.#blockedAt > 0) {
      this.#queue ??= []
      if (this.#queue.push(bytes) > MAX_QUEUED) this.#giveUp()
    } else if (!this.#conn.write(bytes)) {
      this.#blockedAt = this.#desk.now()
      // Whoever does not read what we answer need not be answered more.
      this.#conn.pause()
    }
  }

  #giveUp(): void {
    this.#end(new NetError('CLIENT_RESET', 'the peer does not read what it is told'))
  }

  /** @param words the last; none: the conn is broken */
  #end(error: Error | undefined, words?: Uint8Array): void {
    if (this.#ending) return
    this.#ending = true
    this.#rest = this.#queue = undefined
    this.#session!.onStop = this.#session!.onShutdown = undefined
    this.#desk.leave(this)
    void this.#part(error, words)
  }

  async #part(error: Error | undefined, words: Uint8Array | undefined): Promise<void> {
    if (words === undefined) {
      this.#conn.attach(undefined)
      this.#conn.reset()
    } else await refuse(this.#conn, words)
    this.#settle!(error)
  }
}

const outcomeOf = (status: RelayStatus): Error | undefined => {
  if (status === RELAY_STATUS.REPLACED) return new ServiceError('REPLACED')
  if (status === RELAY_STATUS.ADMIN_CLOSED) return new ServiceError('ADMIN_CLOSED')
  return status === RELAY_STATUS.IDLE_TIMEOUT ? new ServiceError('IDLE_TIMEOUT') : undefined
}
