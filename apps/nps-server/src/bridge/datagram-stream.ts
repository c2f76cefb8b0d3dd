import type { Conn, ConnSink } from '@sluice/net'
import {
  DATAGRAM_HEAD_BYTES,
  MAX_STREAM_DATAGRAM,
  StreamDatagrams,
  writeDatagramHead,
} from '@sluice/wire/bridge'

const NOTHING = new Uint8Array(0)
/** Larger ones are rare, and get memory of their own. */
const SCRATCH_BYTES = 16 * 1024
/** What one datagram is put together in; a conn that keeps it keeps it for good. */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/** Datagrams over a stream, boundaries kept. While the stream takes no more, what is sent is dropped. */
export class DatagramStream implements ConnSink {
  /** Of each that comes, from `start` on; it may be used until this returns. */
  onDatagram: (datagram: Uint8Array) => void = () => {}
  /** Once, whoever ended it; not after `close`. */
  onClosed: (error: Error | undefined) => void = () => {}
  readonly #conn: Conn
  readonly #reader: StreamDatagrams
  #isFree = true
  #isOver = false

  constructor(conn: Conn) {
    this.#conn = conn
    this.#reader = new StreamDatagrams((datagram) => this.onDatagram(datagram))
  }

  /** To be called once; nothing comes before. */
  start(): void {
    this.#conn.attach(this)
    this.#conn.resume()
  }

  /**
   * Sends `head` and `payload` as one datagram.
   * @returns whether it was taken; both may be used again at once
   */
  send(payload: Uint8Array, head: Uint8Array = NOTHING): boolean {
    const size = head.length + payload.length
    if (!this.#isFree || this.#isOver || size > MAX_STREAM_DATAGRAM) return false
    const whole = DATAGRAM_HEAD_BYTES + size
    const isScratch = whole <= SCRATCH_BYTES
    const out = isScratch ? scratch : Buffer.allocUnsafe(whole)
    writeDatagramHead(out, 0, size)
    out.set(head, DATAGRAM_HEAD_BYTES)
    out.set(payload, DATAGRAM_HEAD_BYTES + head.length)
    if (this.#conn.write(out.subarray(0, whole))) return true
    this.#isFree = false
    if (isScratch) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    return true
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#conn.attach(undefined)
    this.#conn.destroy()
  }

  /** @internal */
  onData(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  /** @internal Datagrams have no direction that ends by itself. */
  onEnd(): void {
    this.#over(undefined)
  }

  /** @internal */
  onDrain(): void {
    this.#isFree = true
  }

  /** @internal */
  onClose(error: Error | undefined): void {
    this.#over(error)
  }

  #over(error: Error | undefined): void {
    if (this.#isOver) return
    this.close()
    this.onClosed(error)
  }
}
