import type { ServerHttp2Stream } from 'node:http2'
import { acceptKey } from '@sluice/net/ws'
import {
  CHUNKED,
  ChunkedScan,
  createResponseHeadDecoder,
  fieldValues,
  type HttpField,
  responseFraming,
  type ResponseHead,
  UNTIL_CLOSE,
  WireError,
} from '@sluice/wire'
import { fieldsFor, type H1Head, responseFields } from './h2-heads.ts'

/** One answer on its way from HTTP/1.1 into a stream of HTTP/2. */
export class H2Answer {
  /** All of it is in the stream. */
  isWhole = false
  /** Nothing may follow it, as it says. */
  isLast = false
  /** The other protocol is spoken, and all bytes are of it. */
  isSwitched = false
  readonly #stream: ServerHttp2Stream
  readonly #method: string
  readonly #key: string | undefined
  readonly #onWritten: () => void
  readonly #decode = createResponseHeadDecoder()
  #head: Uint8Array | undefined = undefined
  #chunks: ChunkedScan | undefined = undefined
  /** Of the body. */
  #left = 0
  #hasHead = false
  #pending = 0

  /** @param onWritten told when all that was taken is out, unless it was so at once */
  constructor(
    stream: ServerHttp2Stream,
    { method, key }: Pick<H1Head, 'method' | 'key'>,
    onWritten: () => void,
  ) {
    this.#stream = stream
    this.#method = method
    this.#key = key
    this.#onWritten = onWritten
  }

  /** @returns whether it all is out; if not, `bytes` belongs to the stream until `onWritten` @throws WireError */
  take(bytes: Uint8Array): boolean {
    let rest = bytes
    while (!this.#hasHead && rest.length > 0) rest = this.#takeHead(rest)
    if (rest.length > 0 && !this.isWhole) this.#takeBody(rest)
    return this.#pending === 0
  }

  /** Nothing more comes. @returns whether that is how it ends */
  end(): boolean {
    if (this.#hasHead && this.#left === Infinity && !this.isWhole) this.#finish()
    return this.isWhole
  }

  #takeHead(rest: Uint8Array): Uint8Array {
    const bytes = this.#head === undefined ? rest : Buffer.concat([this.#head, rest])
    const decoded = this.#decode(bytes)
    this.#head = decoded === undefined ? Uint8Array.from(bytes) : undefined
    if (decoded === undefined) return bytes.subarray(bytes.length)
    const { value: head, size } = decoded
    if (head.status === 101) this.#switch(head)
    else if (head.status < 200) this.#stream.additionalHeaders(responseFields(head))
    else this.#begin(head)
    // What the head shares with the bytes before is a copy, which the stream may keep.
    return bytes.subarray(size)
  }

  /** @throws WireError for whoever speaks no WebSocket (RFC 6455 §4.1) */
  #switch(head: ResponseHead): void {
    const key = this.#key
    if (key === undefined || fieldValues(head, 'sec-websocket-accept')[0] !== acceptKey(key))
      throw new WireError('WIRE_VALUE', 'the target speaks no WebSocket')
    this.#hasHead = this.isSwitched = this.isLast = true
    this.#left = Infinity
    this.#stream.respond(responseFields({ ...head, status: 200 }))
  }

  #begin(head: ResponseHead): void {
    const [lengths, codings] = [fieldValues(head, 'content-length'), fieldValues(head, 'transfer-encoding')]
    const framing = responseFraming({ version: head.version, lengths, codings }, this.#method, head.status)
    this.#hasHead = true
    this.isLast = fieldValues(head, 'connection').some((value) => /\bclose\b/i.test(value))
    this.#chunks = framing === CHUNKED ? new ChunkedScan() : undefined
    this.#left = framing === UNTIL_CLOSE ? Infinity : framing
    const { waitForTrailers } = this.#awaitTrailers()
    this.#stream.respond(responseFields(head), { endStream: framing === 0, waitForTrailers })
    this.isWhole = framing === 0
  }

  /** Those of chunks go behind the last byte (RFC 9113 §8.1). */
  #awaitTrailers(): { waitForTrailers: boolean } {
    const chunks = this.#chunks
    if (chunks === undefined) return { waitForTrailers: false }
    const fields: HttpField[] = []
    chunks.onTrailer = (...field): void => void fields.push(field)
    this.#stream.once('wantTrailers', () => sendTrailers(this.#stream, fields))
    return { waitForTrailers: true }
  }

  #takeBody(bytes: Uint8Array): void {
    const chunks = this.#chunks
    if (chunks === undefined) {
      this.#left -= bytes.length
      this.#write(bytes)
      if (this.#left <= 0) this.#finish()
      return
    }
    chunks.onData = (start, end): void => this.#write(bytes.subarray(start, end))
    chunks.scan(bytes, 0)
    chunks.onData = undefined
    if (chunks.ended) this.#finish()
  }

  #write(piece: Uint8Array): void {
    this.#pending += 1
    this.#stream.write(piece, this.#onPiece)
  }

  #finish(): void {
    this.isWhole = true
    this.#stream.end()
  }

  readonly #onPiece = (): void => {
    this.#pending -= 1
    if (this.#pending === 0) this.#onWritten()
  }
}

const sendTrailers = (stream: ServerHttp2Stream, fields: readonly HttpField[]): void => {
  try {
    stream.sendTrailers(fieldsFor(fields))
  } catch {
    // HTTP/2 has no words for them, such as where one is repeated of which there may be one; the body is whole all the same.
    stream.sendTrailers({})
  }
}
