import {
  applyMask,
  CLOSE_CODE,
  decodeFrameHead,
  type FrameHead,
  MAX_CONTROL,
  MAX_HEAD,
  OPCODE,
} from './frame.ts'

/** What has come besides payload. */
export const EVENT = {
  NONE: 0,
  /** An empty message: there is no more payload to come. */
  END: 1,
  PING: 2,
  PONG: 3,
  CLOSE: 4,
  /** The peer breaks the protocol; see {@link FrameScan.failure}. */
  FAILED: 5,
} as const

export interface ScanOptions {
  /** Whether the peer has to mask; if not, it must not (RFC 6455 §5.1). */
  readonly masked: boolean
  /** The most octets of one message. */
  readonly maxMessage: number
}

export interface ScanFailure {
  readonly closeCode: number
  readonly why: string
}

const EMPTY = new Uint8Array(0)

/** What the fields of a head break, if anything. */
const faultOf = (
  { fin, reserved, opcode, length, mask }: FrameHead,
  masked: boolean,
): ScanFailure | undefined => {
  if (reserved !== 0) return protocol('reserved bits are set, as for compression, on which nobody agreed')
  if ((mask !== undefined) !== masked) return protocol(masked ? 'a frame is not masked' : 'a frame is masked')
  if (opcode === OPCODE.TEXT) return { closeCode: CLOSE_CODE.UNSUPPORTED, why: 'a text message' }
  if (opcode < OPCODE.CLOSE) return opcode > OPCODE.BINARY ? protocol(`opcode ${opcode}`) : undefined
  if (opcode > OPCODE.PONG) return protocol(`opcode ${opcode}`)
  if (!fin || length > MAX_CONTROL) return protocol('a control frame in parts, or over 125 octets')
  return undefined
}

const protocol = (why: string): ScanFailure => ({ closeCode: CLOSE_CODE.PROTOCOL, why })

/**
 * Takes frames apart as they come (RFC 6455 §5), in portions of any size. The payload of binary messages is unmasked
 * and moved together where it lies; where a message begins and ends does not matter, but for one that is empty.
 */
export class FrameScan {
  /** Where in the last chunk its payload now stands. */
  from = 0
  to = 0
  event: number = EVENT.NONE
  failure: ScanFailure | undefined = undefined
  readonly #options: ScanOptions
  /** A head of which only a part has come. */
  #part: Uint8Array | undefined = undefined
  #partSize = 0
  #opcode: number = OPCODE.BINARY
  #fin = true
  /** Octets of this frame's payload that are still to come. */
  #left = 0
  #mask = 0
  #inMessage = false
  #messageSize = 0
  #hasEnded = false
  #control: Uint8Array | undefined = undefined
  #controlSize = 0

  constructor(options: ScanOptions) {
    this.#options = options
  }

  /** The payload of the control frame that `event` tells of. */
  get control(): Uint8Array {
    return this.#control?.subarray(0, this.#controlSize) ?? EMPTY
  }

  /**
   * Reads on from `at` to the end of `chunk`, or to where `event` tells of something; the payload before it comes first.
   * Changes the chunk.
   * @returns where to go on
   */
  take(chunk: Uint8Array, at: number): number {
    this.from = this.to = 0
    this.event = this.failure === undefined ? EVENT.NONE : EVENT.FAILED
    let next = at
    while (next < chunk.length && this.event === EVENT.NONE) {
      next = this.#left > 0 ? this.#payload(chunk, next) : this.#head(chunk, next)
    }
    return next
  }

  #head(chunk: Uint8Array, at: number): number {
    if (this.#partSize > 0) return this.#restOfHead(chunk, at)
    const head = decodeFrameHead(chunk, at)
    if (head === undefined) return this.#keepPart(chunk, at)
    this.#begin(head)
    return at + head.size
  }

  #keepPart(chunk: Uint8Array, at: number): number {
    this.#part ??= new Uint8Array(MAX_HEAD)
    this.#part.set(chunk.subarray(at), this.#partSize)
    this.#partSize += chunk.length - at
    return chunk.length
  }

  #restOfHead(chunk: Uint8Array, at: number): number {
    const part = this.#part!
    const had = this.#partSize
    const more = chunk.subarray(at, at + MAX_HEAD - had)
    part.set(more, had)
    const head = decodeFrameHead(part.subarray(0, had + more.length))
    if (head === undefined) {
      this.#partSize += more.length
      return chunk.length
    }
    this.#partSize = 0
    this.#begin(head)
    return at + head.size - had
  }

  #begin(head: FrameHead): void {
    const failure = faultOf(head, this.#options.masked) ?? this.#outOfPlace(head)
    if (failure !== undefined) return this.#fail(failure)
    this.#opcode = head.opcode
    this.#left = head.length
    this.#mask = head.mask ?? 0
    if (head.opcode >= OPCODE.CLOSE) this.#controlSize = 0
    else {
      this.#fin = head.fin
      this.#inMessage = !head.fin
    }
    if (head.length === 0) this.#finished()
  }

  /** A data frame that may not come now, or makes its message too long. */
  #outOfPlace({ opcode, length }: FrameHead): ScanFailure | undefined {
    if (opcode >= OPCODE.CLOSE) return undefined
    if (this.#hasEnded) return protocol('a message behind the end')
    if ((opcode === OPCODE.CONTINUATION) !== this.#inMessage)
      return protocol('the parts of a message are mixed up')
    this.#messageSize = length + (this.#inMessage ? this.#messageSize : 0)
    const { maxMessage } = this.#options
    if (this.#messageSize <= maxMessage) return undefined
    return { closeCode: CLOSE_CODE.TOO_BIG, why: `a message of over ${maxMessage} octets` }
  }

  #payload(chunk: Uint8Array, at: number): number {
    const end = Math.min(at + this.#left, chunk.length)
    if (this.#options.masked) this.#mask = applyMask(chunk, at, end, this.#mask)
    this.#left -= end - at
    if (this.#opcode >= OPCODE.CLOSE) this.#keepControl(chunk.subarray(at, end))
    else this.#gather(chunk, at, end)
    if (this.#left === 0) this.#finished()
    return end
  }

  #gather(chunk: Uint8Array, at: number, end: number): void {
    if (this.to === this.from) this.from = this.to = at
    if (this.to !== at) chunk.copyWithin(this.to, at, end)
    this.to += end - at
  }

  #keepControl(piece: Uint8Array): void {
    this.#control ??= new Uint8Array(MAX_CONTROL)
    this.#control.set(piece, this.#controlSize)
    this.#controlSize += piece.length
  }

  #finished(): void {
    if (this.#opcode === OPCODE.PING) this.event = EVENT.PING
    else if (this.#opcode === OPCODE.PONG) this.event = EVENT.PONG
    else if (this.#opcode === OPCODE.CLOSE) this.event = EVENT.CLOSE
    else if (this.#fin && this.#messageSize === 0) {
      this.#hasEnded = true
      this.event = EVENT.END
    }
  }

  #fail(failure: ScanFailure): void {
    this.failure = failure
    this.event = EVENT.FAILED
  }
}
