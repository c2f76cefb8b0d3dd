import { type Conn, type ConnSink, readInPlace, refuse } from '@sluice/net'
import { type Clock, systemClock, type Timer } from '@sluice/ratelimit'
import { ServiceError } from '@sluice/service'
import { type Address, WireError } from '@sluice/wire'
import { type Mux, type MuxOptions, READ_BUDGET } from './mux.ts'
import { Outbox } from './outbox.ts'
import type { Addressee, Lingering, StreamHost } from './stream-host.ts'

/** With so much waiting, what has come is handed out before the end of the turn. */
const DELIVERED_AT_ONCE = 128 * 1024
/** Of answers that the peer does not read, each of which it has asked for. */
const MOST_ANSWERS = 256 * 1024

/** Within the time after which a silent peer is dead, so that one that only answers is not. */
const PINGS = 3

/** A carrier that has brought so many of so much is worth a buffer of its own. */
const FULL_READ = 16 * 1024
const BULK_READS = 16

/** What the mux needs of whatever stands under an id. */
export interface MuxEntry {
  /** Octets that have come and were not taken. */
  readonly held: number
  /** The mux has ended. */
  lost(error: Error): void
  /** Ends it on both sides. */
  overload(): void
}

const runTurn = (mux: { turn(): void }): void => mux.turn()

/**
 * What all muxes have in common: the carrier, the streams by id, when they are handed what came, pings, and the end. All that comes in
 * one turn of the event loop is put together before it is handed out and answered.
 */
export abstract class MuxCore<Entry extends MuxEntry> implements Mux, ConnSink, StreamHost {
  readonly remote: Address
  readonly local: Address
  readonly outbox: Outbox
  closed = false
  rttMs = 0
  nowMs: number
  protected readonly options: MuxOptions
  protected readonly entries: Map<number, Entry> = new Map()
  protected readonly clock: Clock
  /** The peer has said that it leaves. */
  protected isLeft = false
  readonly #conn: Conn
  readonly #pingMs: number
  readonly #deadMs: number
  readonly #maxStreams: number
  #heardMs: number
  #fullReads = 0
  #timer: Timer | undefined
  #arrived: Addressee[] = []
  /** Octets that wait for the next hand-out; that no sink has taken. */
  #waiting = 0
  #held = 0
  #isAwake = false
  /** Those that were let go before the last ping, and since. */
  #lingering: Set<Lingering> = new Set()
  #fresh: Set<Lingering> = new Set()

  constructor(options: MuxOptions) {
    const { conn, clock = systemClock, deadMs = 15_000, maxStreams = 4096 } = options
    const { pingMs = Math.ceil(deadMs / PINGS) } = options
    this.options = options
    this.clock = clock
    this.#conn = conn
    this.remote = conn.remote
    this.local = conn.local
    this.#pingMs = pingMs
    this.#deadMs = deadMs
    this.#maxStreams = maxStreams
    this.outbox = new Outbox(conn, () => this.#wake())
    this.nowMs = this.#heardMs = clock.now()
    conn.pause()
    conn.attach(this)
    // Whoever makes a mux has to have it before its streams come.
    queueMicrotask(() => this.#start())
  }

  get streams(): number {
    return this.entries.size
  }

  close(error?: Error): void {
    this.#end(error)
  }

  /** @throws WireError */
  protected abstract read(chunk: Uint8Array): void
  protected abstract sendPing(): void
  /** The last words, `fault` where the peer has broken the protocol; empty where there are none. */
  protected abstract farewell(fault: boolean): Uint8Array

  /** @internal */
  onData(chunk: Uint8Array): void {
    this.nowMs = this.#heardMs = this.clock.now()
    try {
      this.read(chunk)
    } catch (error) {
      this.#fault(error)
      return
    }
    if (chunk.length >= FULL_READ && ++this.#fullReads === BULK_READS) setImmediate(readInPlace, this.#conn)
    if (this.#held > READ_BUDGET) this.#relieve()
    if (this.#waiting >= DELIVERED_AT_ONCE) this.#deliver()
  }

  /** @internal */
  onEnd(): void {
    this.#end(this.isLeft ? undefined : lost())
  }

  /** @internal */
  onDrain(): void {
    this.outbox.onDrain()
  }

  /** @internal */
  onClose(cause: Error | undefined): void {
    this.#end(this.isLeft && cause === undefined ? undefined : lost(cause))
  }

  /** @internal */
  arrived(stream: Addressee, octets: number): void {
    this.#waiting += octets
    this.#held += octets
    if (!stream.isListed) {
      stream.isListed = true
      this.#arrived.push(stream)
    }
    this.#wake()
  }

  /** @internal */
  freed(octets: number): void {
    this.#held -= octets
  }

  /** @internal */
  forget(id: number): void {
    this.entries.delete(id)
    if (this.isLeft && this.entries.size === 0) queueMicrotask(() => this.close())
  }

  /** @internal */
  linger(stream: Lingering): void {
    this.#fresh.add(stream)
  }

  /** @internal At the end of a turn of the event loop. */
  turn(): void {
    this.#isAwake = false
    this.nowMs = this.clock.now()
    this.#deliver()
    this.outbox.flush()
  }

  /** @throws ServiceError STREAM_LIMIT, AGENT_LOST once it is closed or the peer leaves */
  protected checkOpen(): void {
    if (this.closed || this.isLeft) throw lost()
    if (this.isFull) throw new ServiceError('STREAM_LIMIT')
  }

  protected get isFull(): boolean {
    return this.entries.size >= this.#maxStreams
  }

  /** To be asked before each answer that no window limits. @throws WireError WIRE_TOO_LONG */
  protected checkAnswers(): void {
    if (this.outbox.control.size + this.outbox.tail.size > MOST_ANSWERS)
      throw new WireError('WIRE_TOO_LONG', 'too many answers that the peer does not read')
  }

  #start(): void {
    if (this.closed) return
    this.#conn.resume()
    if (!this.closed) this.#tick()
  }

  #tick(): void {
    const silentMs = this.clock.now() - this.#heardMs
    if (silentMs >= this.#deadMs) {
      this.#end(lost(new Error(`nothing came for ${Math.round(silentMs)} ms`)))
      return
    }
    this.sendPing()
    this.outbox.touch()
    for (const stream of this.#lingering) stream.giveUp()
    this.#lingering = this.#fresh
    this.#fresh = new Set()
    this.#timer = this.clock.after(Math.min(this.#pingMs, this.#deadMs - silentMs), () => this.#tick())
  }

  #wake(): void {
    if (this.#isAwake || this.closed) return
    this.#isAwake = true
    setImmediate(runTurn, this)
  }

  #deliver(): void {
    this.#waiting = 0
    const streams = this.#arrived
    this.#arrived = []
    for (const stream of streams) {
      stream.isListed = false
      stream.deliver()
    }
  }

  /** The sinks of many streams are slow: the one that holds most makes room. */
  #relieve(): void {
    let fullest: Entry | undefined = undefined
    for (const entry of this.entries.values()) if (entry.held > (fullest?.held ?? 0)) fullest = entry
    fullest?.overload()
  }

  #fault(error: unknown): void {
    this.#end(error instanceof Error ? error : new Error(String(error)), error instanceof WireError)
  }

  #end(error: Error | undefined, isFault = false): void {
    if (this.closed) return
    this.outbox.flush()
    this.closed = true
    this.#timer?.cancel()
    this.outbox.close()
    void refuse(this.#conn, this.farewell(isFault))
    const entries = [...this.entries.values()]
    this.entries.clear()
    for (const entry of entries) entry.lost(error ?? lost())
    this.options.onClose(error)
  }
}

const lost = (cause?: Error): ServiceError => new ServiceError('AGENT_LOST', undefined, { cause })
