import type { Address, Decode } from '@sluice/wire'
import type { Conn, ConnSink } from './conn.ts'
import { NetError } from './net-error.ts'

const EMPTY = new Uint8Array(0)

/**
 * Reads values off the front of a conn, as a handshake needs it. Make it when the conn is fresh; `release` gives the
 * conn back with the bytes that no value took.
 */
export class Reader implements ConnSink {
  readonly conn: Conn
  /** Who speaks. @default whoever is at the other end of the conn */
  client: Address
  /** Most bytes that may wait for a value to become whole. */
  maxBytes: number
  #bytes: Uint8Array = EMPTY
  #attempt: (() => void) | undefined = undefined
  #fail: ((error: Error) => void) | undefined = undefined
  #giveUp: ((error: Error) => void) | undefined = undefined
  #failure: Error | undefined = undefined
  /** What came is of no use to whoever reads; to whoever drains, the conn still is. */
  #unreadable: Error | undefined = undefined
  #ended = false
  /** Somebody else has the conn. */
  #isOver = false

  constructor(conn: Conn, maxBytes: number) {
    this.conn = conn
    this.client = conn.remote
    this.maxBytes = maxBytes
    conn.attach(this)
    conn.resume()
  }

  /**
   * The next value, at once where it is there already, even if the client has half-closed since. One read at a time.
   * @throws what `decode` throws; NetError HANDSHAKE_TOO_LONG, CLIENT_CLOSED, CLIENT_RESET, or what `fail` was given
   */
  read<T>(decode: Decode<T>): T | Promise<T> {
    const failure = this.#failure ?? this.#unreadable
    if (failure !== undefined) throw failure
    const decoded = this.#decode(decode)
    if (decoded !== undefined) return decoded.value
    if (this.#ended) throw closedEarly()
    if (this.#full) throw this.#tooLong()
    this.conn.resume()
    return new Promise<T>((resolve, reject) => {
      const attempt = (): void => {
        const late = this.#decode(decode)
        if (late === undefined) return
        this.#settle()
        resolve(late.value)
      }
      this.#fail = reject
      this.#attempt = attempt
    })
  }

  /** The first byte that is not read yet; it stays unread. */
  peek(): number | Promise<number> {
    return this.read(peekByte)
  }

  /**
   * For what a handshake waits for besides bytes: settles as `promise` does, unless the reading comes to its end before,
   * by `fail` or a conn that breaks. A half-close is not such an end. One wait at a time.
   */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const end = Promise.withResolvers<never>()
    this.#giveUp = end.reject
    if (this.#failure !== undefined) end.reject(this.#failure)
    return Promise.race([promise, end.promise])
  }

  /** Puts bytes that a value took back in front: whoever has the conn next reads them again. Between two reads. */
  unread(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([bytes, this.#bytes])
  }

  /** Reads and drops all that comes; resolves with the client's end, a conn that breaks, or `fail`. No read may follow. */
  drain(): Promise<void> {
    this.#bytes = EMPTY
    if (this.#ended || this.#failure !== undefined) return Promise.resolve()
    this.conn.resume()
    return new Promise((resolve) => {
      const done = (): void => resolve()
      const forget = (): void => {
        this.#bytes = EMPTY
      }
      this.#fail = done
      this.#attempt = forget
    })
  }

  /** Ends a read or wait that is under way, and all later ones, with `error`. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#reject(error)
    this.#giveUp?.(error)
  }

  /**
   * The handshake goes on with another reader, of what the conn has become: `fail` ends its reads too, and it is the same
   * client that speaks. To be called once the conn is released.
   */
  handOver(next: Reader): Reader {
    this.#isOver = true
    next.client = this.client
    const giveUp = (error: Error): void => next.fail(error)
    this.#giveUp = giveUp
    if (this.#failure !== undefined) next.fail(this.#failure)
    return next
  }

  /** Hands the conn back, paused as to data; what was read too far comes first again. Nothing is left to do behind `handOver`. */
  release(): Conn {
    if (this.#isOver) return this.conn
    this.conn.attach(undefined)
    if (this.#bytes.length > 0) {
      this.conn.pause()
      this.conn.unread(this.#bytes)
      this.#bytes = EMPTY
    }
    return this.conn
  }

  onData(chunk: Uint8Array): void {
    // Copied: the chunk is only lent, and most handshakes are a few bytes.
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk])
    try {
      this.#attempt?.()
    } catch (error) {
      this.#unreadable = error as Error
      this.#reject(this.#unreadable)
      return
    }
    if (!this.#full) return
    if (this.#attempt === undefined) this.conn.pause()
    else this.fail(this.#tooLong())
  }

  onEnd(): void {
    this.#ended = true
    this.#reject(closedEarly())
  }

  onDrain(): void {}

  onClose(cause: Error | undefined): void {
    if (cause === undefined) this.fail(closedEarly())
    else if (cause instanceof NetError) this.fail(cause)
    else this.fail(new NetError('CLIENT_RESET', 'the connection broke during the handshake', { cause }))
  }

  get #full(): boolean {
    return this.#bytes.length >= this.maxBytes
  }

  #tooLong(): NetError {
    return new NetError('HANDSHAKE_TOO_LONG', `no whole message in ${this.maxBytes} bytes`)
  }

  #decode<T>(decode: Decode<T>): { value: T } | undefined {
    const decoded = decode(this.#bytes)
    if (decoded === undefined) return undefined
    this.#bytes = this.#bytes.subarray(decoded.size)
    return decoded
  }

  #reject(error: Error): void {
    const fail = this.#fail
    this.#settle()
    fail?.(error)
  }

  #settle(): void {
    this.#attempt = undefined
    this.#fail = undefined
  }
}

const closedEarly = (): NetError => new NetError('CLIENT_CLOSED', 'the client closed during the handshake')

const peekByte: Decode<number> = (bytes) => {
  const first = bytes[0]
  return first === undefined ? undefined : { value: first, size: 0 }
}
