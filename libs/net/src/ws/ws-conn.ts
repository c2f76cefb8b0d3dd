import type { Address } from '@sluice/wire'
import type { Conn, ConnSink } from '../conn.ts'
import { refuse } from '../refuse.ts'
import { decodeCloseCode } from './close-code.ts'
import { CLOSE_CODE, MAX_MESSAGE, OPCODE } from './frame.ts'
import { EVENT, FrameScan } from './frame-scan.ts'
import { FrameWriter } from './frame-writer.ts'
import { closedWith, closedWithout, WebSocketError } from './websocket-error.ts'

const EMPTY = new Uint8Array(0)

export interface WsConnOptions {
  /** Clients mask what they send; servers do not (RFC 6455 §5.1). */
  readonly isClient: boolean
  /** The most octets of a message that comes. @default 65,536 */
  readonly maxMessage?: number | undefined
}

/** How much of what has come to pass a sink has been told. */
const [NOTHING, END, CLOSE] = [0, 1, 2]

/**
 * A byte stream of binary messages over another conn, whose boundaries mean nothing. An empty message is a half-close;
 * once both sides have sent theirs, the WebSocket closes with 1000, and that alone is a regular close. `reset(reason)`
 * closes with 4000 + reason, `destroy` with 1001. Pings are answered while the conn is not paused.
 *
 * It is closed as soon as the close frame is on its way; see {@link gone} for when that has arrived.
 */
export class WsConn implements Conn, ConnSink {
  readonly base: Conn
  closed = false
  readonly #scan: FrameScan
  readonly #writer: FrameWriter
  #sink: ConnSink | undefined = undefined
  #paused = false
  /** In the loop that hands out what has come. */
  #driving = false
  #kept: Uint8Array | undefined = undefined
  /** What the base has lent, scanned up to `#at`; there is some only while paused, or in the loop. */
  #rest: Uint8Array | undefined = undefined
  #at = 0
  #told = NOTHING
  /** The peer has half-closed. */
  #ended = false
  /** This side has. */
  #isEndSent = false
  #broken = false
  #error: Error | undefined = undefined
  /** The base has not taken the last write yet; the sink waits for it. */
  #busy = false
  #blocked = false
  /** What the last ping brought that came while the base was busy. */
  #ping: Uint8Array | undefined = undefined
  #gone: Promise<void> | undefined = undefined

  /** @param base past the handshake: what is next to come are frames */
  constructor(base: Conn, { isClient, maxMessage = MAX_MESSAGE }: WsConnOptions) {
    this.base = base
    this.#scan = new FrameScan({ masked: !isClient, maxMessage })
    this.#writer = new FrameWriter(base, isClient)
    base.attach(this)
    base.resume()
  }

  get remote(): Address {
    return this.base.remote
  }

  get local(): Address {
    return this.base.local
  }

  /** That of the base: what comes of a read is a little less. */
  get readLimit(): number {
    return this.base.readLimit
  }

  set readLimit(bytes: number) {
    this.base.readLimit = bytes
  }

  /** Settles when the peer has had its time to read why this side closed, a second at most; at once where it did not. */
  get gone(): Promise<void> {
    return this.#gone ?? Promise.resolve()
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#told = NOTHING
    if (this.#ended || this.closed) this.pause()
  }

  pause(): void {
    this.#paused = true
    // Otherwise as late as possible: a close that is next to come is heard.
    if (this.#driving) this.base.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#drive()
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#kept = this.#kept === undefined ? chunk : Buffer.concat([chunk, this.#kept])
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.#isEndSent || chunk.length === 0) return true
    const wentOut = this.#writer.write(chunk)
    if (!wentOut) this.#busy = this.#blocked = true
    return wentOut
  }

  end(): void {
    if (this.closed || this.#isEndSent) return
    this.#isEndSent = true
    this.#blocked = false
    this.#send(OPCODE.BINARY, EMPTY)
    if (this.#ended) this.#finish()
  }

  destroy(): void {
    if (this.#isRegular) this.base.destroy()
    else this.#giveUp(CLOSE_CODE.GOING_AWAY)
  }

  reset(reason = 0): void {
    if (this.#isRegular) this.base.reset()
    else this.#giveUp(CLOSE_CODE.APPLICATION + reason)
  }

  /** @internal */
  onData(chunk: Uint8Array): void {
    this.#rest = chunk
    this.#at = 0
    if (this.#paused) this.#lookAhead(chunk)
    else this.#drive()
  }

  /** @internal */
  onEnd(): void {
    if (!this.closed && !this.#isRegular) this.#break(closedWithout(), CLOSE_CODE.NONE)
  }

  /** @internal */
  onDrain(): void {
    this.#busy = false
    const ping = this.#ping
    this.#ping = undefined
    if (ping !== undefined) this.#send(OPCODE.PONG, ping)
    if (!this.#blocked) return
    this.#blocked = false
    this.#sink?.onDrain()
  }

  /** @internal */
  onClose(error: Error | undefined): void {
    if (this.closed) return
    this.closed = true
    if (error !== undefined || !this.#isRegular) {
      this.#broken = true
      this.#error = error ?? closedWithout()
    }
    this.#tell()
  }

  get #isRegular(): boolean {
    return this.#ended && this.#isEndSent
  }

  #drive(): void {
    if (this.#driving) return
    this.#driving = true
    while (!this.#paused && this.#step());
    this.#driving = false
    if (this.#paused) return
    if (this.#ended || this.closed) this.#tell()
    if (!this.closed) this.base.resume()
  }

  /** Though paused, in case there is a close: that waits for nobody. */
  #lookAhead(chunk: Uint8Array): void {
    this.base.pause()
    if (this.#kept !== undefined) return
    this.#scanOn(chunk)
    if (this.#scan.event > EVENT.END) this.#happened()
  }

  /** @returns whether there may be another */
  #step(): boolean {
    const kept = this.#kept
    if (kept !== undefined) {
      this.#kept = undefined
      this.#deliver(kept)
      return true
    }
    if (this.closed) return false
    if (this.#scan.event !== EVENT.NONE) {
      this.#happened()
      return true
    }
    if (this.#rest === undefined) return false
    this.#scanOn(this.#rest)
    return true
  }

  #scanOn(chunk: Uint8Array): void {
    const scan = this.#scan
    this.#at = scan.take(chunk, this.#at)
    if (this.#at === chunk.length) this.#rest = undefined
    if (scan.to > scan.from) this.#deliver(chunk.subarray(scan.from, scan.to))
  }

  #deliver(data: Uint8Array): void {
    if (this.#sink !== undefined && !this.#paused) {
      this.#sink.onData(data)
      return
    }
    this.pause()
    this.unread(data)
  }

  #happened(): void {
    const { event, control, failure } = this.#scan
    this.#scan.event = EVENT.NONE
    if (event === EVENT.END) this.#peerEnded()
    else if (event === EVENT.PING) this.#pong(control)
    else if (event === EVENT.CLOSE) this.#peerClosed(decodeCloseCode(control))
    else if (failure !== undefined) this.#invalid(failure.why, failure.closeCode)
  }

  #peerEnded(): void {
    this.#ended = true
    if (this.#isEndSent) this.#finish()
    this.#tell()
  }

  #pong(payload: Uint8Array): void {
    if (this.#busy) this.#ping = payload.slice()
    else this.#send(OPCODE.PONG, payload)
  }

  #peerClosed(code: number | undefined): void {
    // The answer of a regular one is out already.
    if (this.#isRegular) return
    if (code === undefined) this.#invalid('a close code that there is not', CLOSE_CODE.PROTOCOL)
    else this.#break(closedWith(code), code)
  }

  #invalid(why: string, code: number): void {
    this.#break(new WebSocketError('WEBSOCKET_INVALID', `the peer sent ${why}`, code), code)
  }

  /** Both sides have ended. */
  #finish(): void {
    this.base.write(this.#writer.close(CLOSE_CODE.NORMAL))
    this.base.end()
  }

  #break(error: Error, code: number): void {
    this.#error = error
    this.#leave(code)
    this.#tell()
  }

  #giveUp(code: number): void {
    if (this.closed) return
    this.#leave(code)
    queueMicrotask(() => this.#tell())
  }

  /** Says why, and waits a while for the peer to take note. */
  #leave(code: number): void {
    this.closed = this.#broken = true
    this.#rest = this.#kept = undefined
    this.#gone = refuse(this.base, this.#writer.close(code))
  }

  #send(opcode: number, payload: Uint8Array): void {
    if (!this.base.write(this.#writer.frame(opcode, payload))) this.#busy = true
  }

  /** As a socket does: an end, and a regular close, wait until the sink has taken what stands before them. */
  #tell(): void {
    const sink = this.#sink
    if (sink === undefined) return
    if (this.#ended && this.#told === NOTHING && !this.#broken) {
      if (this.#paused) return
      this.#told = END
      sink.onEnd()
      if (this.#sink !== sink) return
    }
    if (!this.closed || this.#told === CLOSE) return
    this.#told = CLOSE
    sink.onClose(this.#error)
  }
}
