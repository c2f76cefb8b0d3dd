import { WireError } from '../wire-error.ts'
import { YAMUX_FLAG, YAMUX_HEADER_BYTES, YAMUX_TYPE } from './frame.ts'

/** Octets of one data frame. No window is larger. */
export const MAX_YAMUX_PAYLOAD: number = 16 * 1024 * 1024

/** Where the frames of a session go, in their order. Bytes are parts of the chunk that was pushed: copy what is to be kept. */
export interface YamuxSink {
  /**
   * Some of a data frame, as much as one chunk had of it. SYN and ACK are in the flags of its first piece only, FIN and RST in those
   * of its last. A frame without payload is one empty piece.
   */
  onData(id: number, flags: number, payload: Uint8Array): void
  onWindow(id: number, flags: number, delta: number): void
  onPing(opaque: number): void
  onPong(opaque: number): void
  onGoAway(code: number): void
}

/**
 * Reads the frames of one session from chunks of any size. Payloads are passed on as they come, so that it keeps no more than a
 * header. Whether an id is anyone's is the sink's to know: frames of a stream that has just ended may still be on their way.
 */
export class YamuxDecoder {
  readonly #sink: YamuxSink
  readonly #maxPayload: number
  /** A header that was cut in two. */
  readonly #header = new Uint8Array(YAMUX_HEADER_BYTES)
  #headerSize = 0
  #id = 0
  #flags = 0
  /** Octets of payload that are to come. */
  #left = 0
  #error: WireError | undefined

  /** @param maxPayload octets of one frame: no more than the largest window that is granted to any stream */
  constructor(sink: YamuxSink, maxPayload: number = MAX_YAMUX_PAYLOAD) {
    this.#sink = sink
    this.#maxPayload = maxPayload
  }

  /**
   * The sink may be called many times before it returns.
   * @throws WireError WIRE_VERSION, WIRE_VALUE, WIRE_TOO_LONG; from then on the same for all that follows
   */
  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error
    let at = 0
    while (at < chunk.length) at = this.#left > 0 ? this.#takePayload(chunk, at) : this.#takeHeader(chunk, at)
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerSize === 0 && at + YAMUX_HEADER_BYTES <= chunk.length) {
      this.#begin(chunk, at)
      return at + YAMUX_HEADER_BYTES
    }
    const end = Math.min(chunk.length, at + YAMUX_HEADER_BYTES - this.#headerSize)
    this.#header.set(chunk.subarray(at, end), this.#headerSize)
    this.#headerSize += end - at
    this.#checkStart(this.#header, 0, this.#headerSize)
    if (this.#headerSize === YAMUX_HEADER_BYTES) {
      this.#headerSize = 0
      this.#begin(this.#header, 0)
    }
    return end
  }

  #checkStart(header: Uint8Array, at: number, size: number): void {
    if (header[at] !== 0) throw this.#fail('WIRE_VERSION', 'not version 0 of yamux')
    if (size > 1 && header[at + 1]! > YAMUX_TYPE.GO_AWAY)
      throw this.#fail('WIRE_VALUE', 'a frame of an unknown type')
  }

  /** `header` has a whole one at `at`. */
  #begin(header: Uint8Array, at: number): void {
    this.#checkStart(header, at, YAMUX_HEADER_BYTES)
    const type = header[at + 1]!
    const flags = (header[at + 2]! << 8) | header[at + 3]!
    const id = readU32(header, at + 4)
    const length = readU32(header, at + 8)
    if (type === YAMUX_TYPE.PING || type === YAMUX_TYPE.GO_AWAY) return this.#session(type, flags, id, length)
    if (id === 0) throw this.#fail('WIRE_VALUE', 'a frame of a stream without an id')
    if (flags > ALL_FLAGS) throw this.#fail('WIRE_VALUE', 'a flag that there is not')
    if (type === YAMUX_TYPE.WINDOW) return this.#sink.onWindow(id, flags, length)
    this.#beginData(id, flags, length)
  }

  #session(type: number, flags: number, id: number, value: number): void {
    if (id !== 0) throw this.#fail('WIRE_VALUE', 'a frame of the session with the id of a stream')
    if (type === YAMUX_TYPE.GO_AWAY && flags === 0) return this.#sink.onGoAway(value)
    if (type === YAMUX_TYPE.PING && flags === YAMUX_FLAG.SYN) return this.#sink.onPing(value)
    if (type === YAMUX_TYPE.PING && flags === YAMUX_FLAG.ACK) return this.#sink.onPong(value)
    throw this.#fail('WIRE_VALUE', 'flags that have no meaning there')
  }

  #beginData(id: number, flags: number, length: number): void {
    if (length > this.#maxPayload) {
      throw this.#fail('WIRE_TOO_LONG', `a frame of more than ${this.#maxPayload} octets`)
    }
    if (length === 0) return this.#sink.onData(id, flags, NOTHING)
    this.#id = id
    this.#flags = flags
    this.#left = length
  }

  #takePayload(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left)
    this.#left -= end - at
    const flags = this.#left === 0 ? this.#flags : this.#flags & FIRST_FLAGS
    this.#flags &= ~FIRST_FLAGS
    this.#sink.onData(this.#id, flags, chunk.subarray(at, end))
    return end
  }

  #fail(code: WireError['code'], message: string): WireError {
    this.#error = new WireError(code, message)
    return this.#error
  }
}

const ALL_FLAGS = 0x000f
const FIRST_FLAGS: number = YAMUX_FLAG.SYN | YAMUX_FLAG.ACK
const NOTHING = new Uint8Array()

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
