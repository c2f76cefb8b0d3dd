import { CHUNKED, ChunkedScan, createResponseHeadDecoder, fieldValues, responseFraming } from '@sluice/wire'
import type { ResponseHead } from '@sluice/wire'
import { type Keep, keepOf } from './cache-rules.ts'
import type { Sought } from './sought.ts'
import type { StoredAnswer } from './stored-answer.ts'

/** For whom an answer is collected. */
export interface FillTerms {
  readonly sought: Sought
  /** Of the body. */
  readonly maxBytes: number
  /** Of what all hold that are under way: whether there are so many more to be had. */
  readonly take: (bytes: number) => boolean
  readonly give: (bytes: number) => void
  /** Once, with the answer where there is one to keep. */
  readonly onEnd: (answer: StoredAnswer | undefined) => void
}

/** Collects one answer while it passes, as far as it may be kept. */
export class Fill {
  readonly #terms: FillTerms
  readonly #decode = createResponseHeadDecoder()
  #head: Uint8Array | undefined = undefined
  #keep: Keep | undefined = undefined
  #pieces: Uint8Array[] = []
  #bytes = 0
  /** Of a body that says how long it is. */
  #left = 0
  #chunks: ChunkedScan | undefined = undefined
  #isOver = false

  constructor(terms: FillTerms) {
    this.#terms = terms
  }

  get key(): string {
    return this.#terms.sought.key
  }

  /** Bytes from the target, which are copied. Never throws. */
  take(bytes: Uint8Array): void {
    try {
      let rest = bytes
      while (!this.#isOver && this.#keep === undefined && rest.length > 0) rest = this.#takeHead(rest)
      if (!this.#isOver && rest.length > 0) this.#takeBody(rest)
    } catch {
      // Whoever passes it on will find out, and tell.
      this.stop()
    }
  }

  /** Nothing is kept. */
  stop(): void {
    this.#end(undefined)
  }

  #takeHead(rest: Uint8Array): Uint8Array {
    const bytes = this.#head === undefined ? rest : Buffer.concat([this.#head, rest])
    const decoded = this.#decode(bytes)
    this.#head = decoded === undefined ? Uint8Array.from(bytes) : undefined
    if (decoded === undefined) return bytes.subarray(bytes.length)
    const { value: head, size } = decoded
    if (head.status >= 200 || head.status === 101) this.#begin(head)
    return bytes.subarray(size)
  }

  #begin(head: ResponseHead): void {
    const [lengths, codings] = [fieldValues(head, 'content-length'), fieldValues(head, 'transfer-encoding')]
    const framing = responseFraming({ version: head.version, lengths, codings }, 'GET', head.status)
    this.#keep = keepOf(this.#terms.sought, head)
    // One that ends with its connection may have been cut short.
    const isWhole = framing === CHUNKED || (framing >= 0 && framing <= this.#terms.maxBytes)
    if (this.#keep === undefined || !isWhole) return this.stop()
    this.#chunks = framing === CHUNKED ? new ChunkedScan() : undefined
    this.#left = framing
    if (framing === 0) this.#whole()
  }

  #takeBody(bytes: Uint8Array): void {
    const chunks = this.#chunks
    if (chunks === undefined) {
      this.#add(bytes.subarray(0, this.#left))
      this.#left -= bytes.length
      if (this.#left <= 0) this.#whole()
      return
    }
    chunks.onData = (start, end): void => this.#add(bytes.subarray(start, end))
    chunks.scan(bytes, 0)
    chunks.onData = undefined
    if (chunks.ended) this.#whole()
  }

  #add(bytes: Uint8Array): void {
    if (this.#isOver) return
    if (this.#bytes + bytes.length > this.#terms.maxBytes || !this.#terms.take(bytes.length))
      return this.stop()
    this.#bytes += bytes.length
    this.#pieces.push(Uint8Array.from(bytes))
  }

  #whole(): void {
    if (!this.#isOver) this.#end(this.#keep!(Buffer.concat(this.#pieces)))
  }

  #end(answer: StoredAnswer | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#pieces = []
    this.#head = undefined
    this.#terms.give(this.#bytes)
    this.#terms.onEnd(answer)
  }
}
