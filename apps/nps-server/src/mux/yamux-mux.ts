import type { Conn } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import { WireError } from '@sluice/wire'
import {
  encodeYamuxFrame,
  YAMUX_FLAG,
  YAMUX_GO_AWAY,
  YAMUX_INITIAL_WINDOW,
  YAMUX_MAX_WINDOW,
  YAMUX_TYPE,
  YamuxDecoder,
  type YamuxSink,
  YamuxStream,
} from '@sluice/wire/yamux'
import { type MuxOptions, READ_BUDGET, RESET_REASON } from './mux.ts'
import { MuxCore } from './mux-core.ts'
import { addYamuxFrame, YamuxConn } from './yamux-conn.ts'

const LAST_ID = 0xffff_ffff

/** A mux that speaks yamux: streams that either side opens, each with half-closes and reasons of resets. */
export class YamuxMux extends MuxCore<YamuxConn> {
  readonly #decoder: YamuxDecoder
  /** 1 for the side whose ids are odd. */
  readonly #parity: number
  #nextId: number
  /** The highest of the peer so far. */
  #peerId = 0
  #ping = 0
  #pingedMs = 0

  constructor(options: MuxOptions) {
    super(options)
    this.#parity = options.isOpener === true ? 1 : 0
    this.#nextId = this.#parity === 1 ? 1 : 2
    const frames: YamuxSink = {
      onData: (id, flags, payload) => this.#find(id, flags)?.onFrame(flags, payload),
      onWindow: (id, flags, delta) => this.#find(id, flags)?.onWindow(flags, delta),
      onPing: (opaque) => this.#pong(opaque),
      onPong: (opaque) => this.#ponged(opaque),
      onGoAway: (code) => this.#goneAway(code),
    }
    this.#decoder = new YamuxDecoder(frames, YAMUX_MAX_WINDOW)
  }

  /**
   * A stream, at once: the peer may still refuse it, by a reset.
   * @throws ServiceError STREAM_LIMIT; AGENT_LOST once the mux is closed, or the peer leaves
   */
  open(): Conn {
    this.checkOpen()
    const id = this.#nextId
    if (id > LAST_ID) throw new ServiceError('STREAM_LIMIT')
    this.#nextId += 2
    return this.#add(id, true)
  }

  protected read(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
  }

  protected sendPing(): void {
    this.#ping = (this.#ping + 1) >>> 0
    this.#pingedMs = this.clock.now()
    addYamuxFrame(this.outbox.control, YAMUX_TYPE.PING, YAMUX_FLAG.SYN, 0, this.#ping)
  }

  protected farewell(isFault: boolean): Uint8Array {
    const code = isFault ? YAMUX_GO_AWAY.PROTOCOL_ERROR : YAMUX_GO_AWAY.NORMAL
    return encodeYamuxFrame({ type: 'goAway', code })
  }

  #add(id: number, isOpener: boolean): YamuxConn {
    // Windows of many streams do not grow as far.
    const maxWindow = Math.min(YAMUX_MAX_WINDOW, READ_BUDGET / (this.entries.size + 1))
    const stream = new YamuxStream({ isOpener, maxWindow: Math.max(YAMUX_INITIAL_WINDOW, maxWindow) })
    const conn = new YamuxConn(this, id, stream)
    this.entries.set(id, conn)
    return conn
  }

  /** @returns undefined where the frame is of a stream that has ended, or that is refused */
  #find(id: number, flags: number): YamuxConn | undefined {
    const found = this.entries.get(id)
    if (found !== undefined) return found.isSettled ? undefined : found
    if (this.closed) return undefined
    const isOurs = id % 2 === this.#parity
    if ((flags & YAMUX_FLAG.SYN) !== 0 && !isOurs) return this.#accept(id)
    if (id >= (isOurs ? this.#nextId : this.#peerId + 1))
      throw new WireError('WIRE_VALUE', 'a frame of a stream that nobody has opened')
    return undefined
  }

  #accept(id: number): YamuxConn | undefined {
    this.#peerId = Math.max(this.#peerId, id)
    const { onStream } = this.options
    if (onStream === undefined || this.isFull) {
      this.checkAnswers()
      const reason = onStream === undefined ? RESET_REASON.REFUSED : RESET_REASON.STREAM_LIMIT
      addYamuxFrame(this.outbox.tail, YAMUX_TYPE.WINDOW, YAMUX_FLAG.RST, id, reason)
      this.outbox.touch()
      return undefined
    }
    const conn = this.#add(id, false)
    onStream(conn)
    return conn
  }

  #pong(opaque: number): void {
    this.checkAnswers()
    addYamuxFrame(this.outbox.control, YAMUX_TYPE.PING, YAMUX_FLAG.ACK, 0, opaque)
    this.outbox.touch()
  }

  #ponged(opaque: number): void {
    if (opaque === this.#ping) this.rttMs = this.nowMs - this.#pingedMs
  }

  #goneAway(code: number): void {
    if (code !== YAMUX_GO_AWAY.NORMAL) {
      const cause = new Error(`the peer gave up with code ${code}`)
      this.close(new ServiceError('AGENT_LOST', undefined, { cause }))
      return
    }
    this.isLeft = true
    if (this.entries.size === 0) this.close()
  }
}
