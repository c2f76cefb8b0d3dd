import { type Conn, type ConnSink, LIMITED_READ } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { Inbox } from './inbox.ts'
import { RESET_REASON } from './mux.ts'
import type { FrameSource } from './outbox.ts'
import type { Addressee, Lingering, StreamHost } from './stream-host.ts'

/** How much of what has come to pass a sink has been told. */
const [NOTHING, END, CLOSE] = [0, 1, 2]
/** As the largest read of a socket. */
const LARGEST_CHUNK = 8 * LIMITED_READ

/** One stream of a mux as a conn. What the frames look like is up to its kind. */
export abstract class StreamConn implements Conn, FrameSource, Addressee, Lingering {
  readonly id: number
  closed = false
  readLimit: number = LARGEST_CHUNK
  /** @internal */ next: FrameSource | undefined = undefined
  /** @internal */ isQueued = false
  /** @internal It waits for `deliver`. */ isListed = false
  /** @internal This side has let go of it. */ isAbandoned = false
  protected readonly host: StreamHost
  /** What `write` was given, sent up to `offset`. */
  protected chunk: Uint8Array | undefined = undefined
  protected offset = 0
  /** The peer sends nothing more. */
  protected hasPeerEnded = false
  protected isEndSent = false
  readonly #inbox = new Inbox()
  /** Octets in it. */
  #held = 0
  #kept: Uint8Array | undefined = undefined
  #sink: ConnSink | undefined = undefined
  #isPaused = false
  #isDelivering = false
  #isBlocked = false
  #isEnding = false
  #isSettled = false
  #told = NOTHING
  #error: Error | undefined = undefined

  constructor(host: StreamHost, id: number) {
    this.host = host
    this.id = id
  }

  /** Octets that the peer lets it send now. */
  abstract get credit(): number
  abstract get backlog(): number
  abstract writeFrames(out: Uint8Array, at: number, end: number): number
  /** So many octets were taken by the sink. */
  protected abstract consumed(octets: number): void
  /** Lets the peer send more, where it is worth a frame. */
  protected abstract grant(): void
  protected abstract sendEnd(): void
  /** This side has closed it; `reason` where the peer shall see a reset. */
  protected abstract leave(reason: number | undefined): void
  /** @internal The peer has taken too long to end it. */
  abstract giveUp(): void

  get remote(): Address {
    return this.host.remote
  }

  get local(): Address {
    return this.host.local
  }

  get isReady(): boolean {
    return this.chunk !== undefined && this.credit > 0
  }

  /** @internal Frames for it mean nothing any more. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Octets that have come and were not taken. */
  get held(): number {
    return this.#held
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#told = NOTHING
    if (this.hasPeerEnded || this.closed) this.pause()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.deliver()
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#kept = this.#kept === undefined ? Buffer.from(chunk) : Buffer.concat([chunk, this.#kept])
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.#isEnding || chunk.length === 0) return true
    if (this.chunk !== undefined) return this.#append(chunk)
    this.chunk = chunk
    this.offset = 0
    this.host.outbox.offer(this)
    this.#isBlocked = this.chunk !== undefined
    return !this.#isBlocked
  }

  end(): void {
    if (this.closed || this.#isEnding) return
    this.#isEnding = true
    this.#isBlocked = false
    if (this.chunk === undefined) this.#finish()
  }

  destroy(): void {
    this.#close(this.chunk === undefined ? undefined : 0)
  }

  reset(reason = 0): void {
    this.#close(reason)
  }

  /** @internal The carrier has brought `payload`. */
  receive(payload: Uint8Array): void {
    if (this.closed || payload.length === 0) return
    this.#inbox.push(payload)
    this.#held += payload.length
    this.host.arrived(this, payload.length)
  }

  /** @internal Nothing more will come of the peer. */
  peerEnded(): void {
    if (this.hasPeerEnded) return
    this.hasPeerEnded = true
    this.host.arrived(this, 0)
  }

  /** @internal The peer lets it send more. */
  credited(): void {
    if (this.chunk === undefined) return
    this.host.outbox.offer(this)
    this.onTurn()
  }

  /** @internal */
  onTurn(): void {
    if (this.chunk !== undefined || !this.#isBlocked) return
    this.#isBlocked = false
    this.#sink?.onDrain()
  }

  /** @internal The peer or the mux has ended it. */
  break(error: Error | undefined): void {
    if (this.closed) return
    this.#error = error
    this.#drop()
    this.#tell()
  }

  /** @internal It holds more than there is room for. */
  overload(): void {
    this.leave(RESET_REASON.OVERLOAD)
    this.break(new ServiceError('OVERLOADED'))
  }

  /** @internal The mux has ended. What has come as a whole may still be read. */
  lost(error: Error): void {
    if (!this.#isSettled) this.break(error)
  }

  /** @internal Hands out what has come, unless it is paused. */
  deliver(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    while (!this.#isPaused && this.#deliverOne());
    this.#isDelivering = false
    if (!this.closed) this.grant()
    if (!this.#isPaused) this.#tell()
  }

  /** Neither side sends anything more; the mux has it until all is taken, since that is when its memory is free. */
  protected settle(): void {
    this.#isSettled = true
    if (this.#held === 0) this.host.forget(this.id)
  }

  /** For `writeFrames`: so many octets of the chunk are in a frame. */
  protected sent(octets: number): void {
    this.offset += octets
    if (this.offset < this.chunk!.length) return
    this.chunk = undefined
    if (this.#isEnding) this.#finish()
  }

  /** A writer that does not wait; the bytes before are still its own to keep. */
  #append(chunk: Uint8Array): boolean {
    this.chunk = Buffer.concat([this.chunk!.subarray(this.offset), chunk])
    this.offset = 0
    return false
  }

  #deliverOne(): boolean {
    const freed = this.#inbox.release()
    if (freed > 0) this.#taken(freed)
    const kept = this.#kept
    this.#kept = undefined
    const next = kept ?? this.#inbox.lend(this.readLimit)
    if (next === undefined) return false
    if (this.#sink !== undefined) this.#sink.onData(next)
    else this.#keep(kept)
    return true
  }

  /** Nobody is there to take it. */
  #keep(kept: Uint8Array | undefined): void {
    this.#isPaused = true
    this.#kept = kept
    if (kept === undefined) this.#inbox.unlend()
  }

  #taken(octets: number): void {
    this.#held -= octets
    this.host.freed(octets)
    this.consumed(octets)
    if (this.#isSettled) this.settle()
  }

  #finish(): void {
    this.isEndSent = true
    this.sendEnd()
    if (this.#isOver) queueMicrotask(() => this.#tell())
  }

  /** Both sides have ended, and all has been taken. */
  get #isOver(): boolean {
    return this.isEndSent && this.hasPeerEnded && this.#inbox.isEmpty && this.#kept === undefined
  }

  #close(reason: number | undefined): void {
    if (this.closed) return
    this.#drop()
    this.isAbandoned = true
    this.leave(reason)
    queueMicrotask(() => this.#tell())
  }

  #drop(): void {
    this.closed = true
    this.chunk = this.#kept = undefined
    this.#inbox.clear()
    this.host.freed(this.#held)
    this.#held = 0
    if (this.#isSettled) this.settle()
  }

  /** As a socket does: an end, and a regular close, wait until the sink has taken what stands before them. */
  #tell(): void {
    if (this.#isOver) this.closed = true
    const sink = this.#sink
    if (sink === undefined) return
    if (this.hasPeerEnded && this.#told === NOTHING && !this.isAbandoned && this.#error === undefined) {
      if (this.#isPaused || !this.#inbox.isEmpty) return
      this.#told = END
      sink.onEnd()
      if (this.#sink !== sink) return
    }
    if (!this.closed || this.#told === CLOSE) return
    this.#told = CLOSE
    sink.onClose(this.#error)
  }
}
