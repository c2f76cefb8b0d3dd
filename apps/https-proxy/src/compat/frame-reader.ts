import { decodeCompatHead } from '@sluice/wire'
import type { HeldPart } from '../held-bytes.ts'

const HEAD_BYTES = 12
const MAGIC_BYTES = 8
/** What any request may have; more is taken from what all have together, and only once it comes. */
const FIRST_BYTES = 16 * 1024

/** What a reader waits for: the first byte of a frame, or one of its parts. */
export type FramePart = 'frame' | 'magic' | 'length' | 'body'

/** Takes requests off what comes, each as its payload. */
export class FrameReader {
  /** What came and has not been taken yet. */
  rest: Uint8Array | undefined = undefined
  readonly #held: HeldPart
  readonly #head = new Uint8Array(HEAD_BYTES)
  #headBytes = 0
  #payload: Uint8Array | undefined = undefined
  #size = 0
  #length = 0

  constructor(held: HeldPart) {
    this.#held = held
  }

  get part(): FramePart {
    if (this.#payload !== undefined) return 'body'
    if (this.#headBytes === 0) return 'frame'
    return this.#headBytes < MAGIC_BYTES ? 'magic' : 'length'
  }

  /** The head of this request has been read already. */
  begin(length: number): void {
    this.#length = length
    this.#size = 0
    this.#payload = new Uint8Array(Math.min(length, FIRST_BYTES))
  }

  /**
   * The payload of the next request, once it is whole; what is behind it stays.
   * @throws WireError as `decodeCompatHead`; ServiceError OVERLOADED
   */
  take(): Uint8Array | undefined {
    if (this.#payload === undefined) this.#takeHead()
    if (this.#payload === undefined) return undefined
    this.#takePayload()
    if (this.#size < this.#length) return undefined
    const payload = this.#payload
    this.#payload = undefined
    return payload
  }

  #takeHead(): void {
    const part = this.#next(HEAD_BYTES - this.#headBytes)
    if (part === undefined) return
    this.#head.set(part, this.#headBytes)
    this.#headBytes += part.length
    const decoded = decodeCompatHead(this.#head.subarray(0, this.#headBytes))
    if (decoded === undefined) return
    this.#headBytes = 0
    this.begin(decoded.value.length)
  }

  #takePayload(): void {
    const part = this.#next(this.#length - this.#size)
    if (part === undefined) return
    const wanted = this.#size + part.length
    if (wanted > this.#payload!.length) this.#grow(wanted)
    this.#payload!.set(part, this.#size)
    this.#size = wanted
  }

  #grow(wanted: number): void {
    const payload = this.#payload!
    const size = Math.min(this.#length, Math.max(wanted, 2 * payload.length))
    this.#held.take(size - payload.length)
    this.#payload = Buffer.allocUnsafeSlow(size)
    this.#payload.set(payload.subarray(0, this.#size))
  }

  #next(most: number): Uint8Array | undefined {
    const { rest } = this
    if (rest === undefined || most === 0) return undefined
    this.rest = rest.length > most ? rest.subarray(most) : undefined
    return rest.subarray(0, most)
  }
}
