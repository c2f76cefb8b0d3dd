import { WireError } from '../wire-error.ts'
import { readU32 } from './block.ts'
import { MAX_NPC_SEGMENT, NPC_FLAG } from './mux-frame.ts'

/** Where the frames of a mux go, in their order. Bytes are parts of the chunk that was pushed: copy what is to be kept. */
export interface NpcMuxSink {
  /** Some of a message, as much as one chunk had of one frame; `isEnd` when the message is whole now. */
  onData(id: number, payload: Uint8Array, isEnd: boolean): void
  /** The peer took `read` octets since the last one, and lets `max` be outstanding. */
  onWindow(id: number, read: number, max: number): void
  onOpen(id: number): void
  onOpened(id: number): void
  onRefused(id: number): void
  onClose(id: number): void
  /** `opaque` is a copy, to be sent back in a pong. */
  onPing(opaque: Uint8Array): void
  onPong(opaque: Uint8Array): void
}

/**
 * Reads the frames of one mux from chunks of any size. Payloads are passed on as they come, so that it keeps no more than the head
 * of a frame, or one ping. Whether an id is anyone's is the sink's to know; frames of unknown ids are dropped.
 */
export class NpcMuxDecoder {
  readonly #sink: NpcMuxSink
  /** A head that was cut in two. */
  readonly #head = new Uint8Array(13)
  #headSize = 0
  #flag = 0
  #id = 0
  /** Octets of payload that are to come. */
  #left = 0
  #opaque: Uint8Array | undefined
  #error: WireError | undefined

  constructor(sink: NpcMuxSink) {
    this.#sink = sink
  }

  /**
   * The sink may be called many times before it returns.
   * @throws WireError WIRE_VALUE at an unknown flag, WIRE_LENGTH at an empty payload, WIRE_TOO_LONG at one above 4085 octets;
   *   from then on the same for all that follows
   */
  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error
    let at = 0
    while (at < chunk.length) at = this.#left > 0 ? this.#takePayload(chunk, at) : this.#takeHead(chunk, at)
  }

  #takeHead(chunk: Uint8Array, at: number): number {
    const flag = this.#headSize > 0 ? this.#head[0]! : chunk[at]!
    const size = HEAD_BYTES[flag]
    if (size === undefined) throw this.#fail('WIRE_VALUE', 'a frame of an unknown kind')
    if (this.#headSize === 0 && at + size <= chunk.length) {
      this.#begin(chunk, at)
      return at + size
    }
    const end = Math.min(chunk.length, at + size - this.#headSize)
    this.#head.set(chunk.subarray(at, end), this.#headSize)
    this.#headSize += end - at
    if (this.#headSize === size) {
      this.#headSize = 0
      this.#begin(this.#head, 0)
    }
    return end
  }

  /** `head` has a whole one at `at`. */
  #begin(head: Uint8Array, at: number): void {
    const flag = head[at]!
    const id = readU32(head, at + 1) | 0
    switch (flag) {
      case NPC_FLAG.OPEN:
        return this.#sink.onOpen(id)
      case NPC_FLAG.OPENED:
        return this.#sink.onOpened(id)
      case NPC_FLAG.REFUSED:
        return this.#sink.onRefused(id)
      case NPC_FLAG.CLOSE:
        return this.#sink.onClose(id)
      case NPC_FLAG.WINDOW:
        return this.#sink.onWindow(id, readU32(head, at + 5) & BITS_31, readU32(head, at + 9) & BITS_31)
      default:
        return this.#beginPayload(flag, id, head[at + 5]! | (head[at + 6]! << 8))
    }
  }

  #beginPayload(flag: number, id: number, size: number): void {
    if (size === 0) throw this.#fail('WIRE_LENGTH', 'a frame without payload')
    if (size > MAX_NPC_SEGMENT) {
      throw this.#fail('WIRE_TOO_LONG', `a frame of more than ${MAX_NPC_SEGMENT} octets`)
    }
    this.#flag = flag
    this.#id = id
    this.#left = size
  }

  #takePayload(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left)
    const payload = chunk.subarray(at, end)
    const left = this.#left
    this.#left -= payload.length
    if (this.#flag === NPC_FLAG.DATA || this.#flag === NPC_FLAG.DATA_PART) {
      this.#sink.onData(this.#id, payload, this.#left === 0 && this.#flag === NPC_FLAG.DATA)
    } else this.#takeOpaque(payload, left)
    return end
  }

  #takeOpaque(payload: Uint8Array, left: number): void {
    const opaque = (this.#opaque ??= new Uint8Array(left))
    opaque.set(payload, opaque.length - left)
    if (this.#left > 0) return
    this.#opaque = undefined
    if (this.#flag === NPC_FLAG.PING) this.#sink.onPing(opaque)
    else this.#sink.onPong(opaque)
  }

  #fail(code: WireError['code'], message: string): WireError {
    this.#error = new WireError(code, message)
    return this.#error
  }
}

const BITS_31 = 0x7fff_ffff
/** By flag. */
const HEAD_BYTES: readonly number[] = [7, 5, 5, 7, 7, 13, 5, 5, 7]
