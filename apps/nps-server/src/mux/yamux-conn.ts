import {
  writeYamuxHeader,
  YAMUX_FLAG,
  YAMUX_HEADER_BYTES,
  YAMUX_TYPE,
  type YamuxStream,
} from '@sluice/wire/yamux'
import type { FrameList } from './frame-list.ts'
import { StreamReset } from './mux.ts'
import { StreamConn } from './stream-conn.ts'
import type { StreamHost } from './stream-host.ts'

/** Of one frame, so that no stream waits long for another. */
const MAX_FRAME = 64 * 1024

export function addYamuxFrame(
  list: FrameList,
  type: number,
  flags: number,
  id: number,
  length: number,
): void {
  const at = list.add(YAMUX_HEADER_BYTES)
  writeYamuxHeader(list.bytes, at, type, flags, id, length)
}

/** A stream of yamux as a conn. */
export class YamuxConn extends StreamConn {
  readonly #stream: YamuxStream

  /** Tells the peer at once: it opens the stream, or has accepted it. */
  constructor(host: StreamHost, id: number, stream: YamuxStream) {
    super(host, id)
    this.#stream = stream
    addYamuxFrame(host.outbox.control, YAMUX_TYPE.WINDOW, stream.takeFlags(), id, 0)
    host.outbox.touch()
  }

  get credit(): number {
    return this.#stream.sendRoom
  }

  get backlog(): number {
    const size = Math.min(this.chunk!.length - this.offset, this.#stream.sendRoom)
    return size + Math.ceil(size / MAX_FRAME) * YAMUX_HEADER_BYTES
  }

  writeFrames(out: Uint8Array, at: number, end: number): number {
    const chunk = this.chunk!
    const left = Math.min(chunk.length - this.offset, MAX_FRAME)
    const size = Math.min(left, this.#stream.sendRoom, end - at - YAMUX_HEADER_BYTES)
    const to = writeYamuxHeader(out, at, YAMUX_TYPE.DATA, 0, this.id, size)
    out.set(size === chunk.length ? chunk : chunk.subarray(this.offset, this.offset + size), to)
    this.#stream.sent(size)
    this.sent(size)
    return to + size
  }

  /** @throws WireError */
  onFrame(flags: number, payload: Uint8Array): void {
    this.#stream.receivedData(flags, payload.length)
    if (this.closed && payload.length > 0) this.giveUp()
    else this.receive(payload)
    if (flags !== 0) this.#flagged()
  }

  /** @throws WireError */
  onWindow(flags: number, delta: number): void {
    const hasRoom = this.#stream.receivedWindow(flags, delta)
    if (flags !== 0) this.#flagged()
    if (hasRoom) this.credited()
  }

  giveUp(): void {
    if (this.#stream.isClosed) return
    this.#sendReset(0)
  }

  protected consumed(octets: number): void {
    this.#stream.consumed(octets, this.host.nowMs, this.host.rttMs)
  }

  protected grant(): void {
    const delta = this.#stream.takeWindow()
    if (delta === undefined) return
    addYamuxFrame(this.host.outbox.control, YAMUX_TYPE.WINDOW, 0, this.id, delta)
    this.host.outbox.touch()
  }

  protected sendEnd(): void {
    this.#stream.finish()
    addYamuxFrame(this.host.outbox.tail, YAMUX_TYPE.DATA, YAMUX_FLAG.FIN, this.id, 0)
    this.#sent()
  }

  protected leave(reason: number | undefined): void {
    if (this.#stream.isClosed) return
    if (reason !== undefined) return this.#sendReset(reason)
    if (!this.#stream.hasFinished) this.sendEnd()
    if (!this.#stream.isClosed) this.host.linger(this)
  }

  #sendReset(reason: number): void {
    this.#stream.reset(reason)
    addYamuxFrame(this.host.outbox.tail, YAMUX_TYPE.WINDOW, YAMUX_FLAG.RST, this.id, reason)
    this.#sent()
  }

  #sent(): void {
    this.host.outbox.touch()
    if (this.#stream.isClosed) this.settle()
  }

  #flagged(): void {
    const { isReset, peerHasFinished, isClosed, resetCode } = this.#stream
    if (isReset) this.break(new StreamReset(resetCode ?? 0))
    else if (peerHasFinished) this.peerEnded()
    if (isClosed) this.settle()
  }
}
