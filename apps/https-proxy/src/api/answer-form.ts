import { ServiceError } from '@sluice/service'
import { encodePreamble, type HttpField } from '@sluice/wire'
import type { HeldPart } from '../held-bytes.ts'
import type { JobHead } from '../job.ts'
import { REQUEST_ID } from './problem.ts'
import { type ApiReply, sendChunk, sendEnd, sendHead, sendNow, sendWhole } from './reply.ts'

/** How the answer of a target goes to a client: head, chunks, end. */
export interface AnswerForm {
  /** @throws what keeps it from being sent */
  head(head: JobHead): void
  /** @returns whether more may follow at once; if not, 'drain' of the reply tells when */
  write(chunk: Uint8Array): boolean
  end(trailers: readonly HttpField[]): void
}

export const STREAM_RESPONSE = 'application/vnd.sluice.response'
export const TARGET_TRAILERS = 'Sluice-Target-Trailers'

const preambleOf = ({ status, fields, url, cached }: JobHead): object => ({
  status,
  headers: fields,
  url: url.href,
  cached,
})

/** What is held back of an answer that may be whole at once. */
const MAX_HELD = 16 * 1024

/** A preamble that says what the target has said, and its body behind it. */
export class StreamForm implements AnswerForm {
  readonly #reply: ApiReply
  readonly #id: string
  /** Undefined: it is on its way, or nothing has come yet. */
  #held: Uint8Array[] | undefined = undefined
  #heldBytes = 0

  constructor(reply: ApiReply, id: string) {
    this.#reply = reply
    this.#id = id
  }

  head(head: JobHead): void {
    const preamble = encodePreamble(JSON.stringify(preambleOf(head)))
    this.#held = [preamble]
    this.#heldBytes = preamble.length
    // What a short answer brings comes all at once.
    process.nextTick(flush, this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#held === undefined) return sendChunk(this.#reply, chunk)
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    return this.#heldBytes <= MAX_HELD || this.flush()
  }

  end(trailers: readonly HttpField[]): void {
    if (trailers.length === 0 && this.#held !== undefined) return this.#sendWhole(this.#held)
    this.flush()
    const text = Buffer.from(JSON.stringify(trailers)).toString('base64')
    sendEnd(this.#reply, trailers.length === 0 ? [] : [[TARGET_TRAILERS, text]])
  }

  /** @internal @returns as `write` */
  flush(): boolean {
    const held = this.#held
    this.#held = undefined
    // It may have become another answer meanwhile.
    if (held === undefined || this.#reply.headersSent) return true
    sendHead(this.#reply, 200, [
      ['Content-Type', STREAM_RESPONSE],
      ['Trailer', TARGET_TRAILERS],
      [REQUEST_ID, this.#id],
    ])
    return sendChunk(this.#reply, Buffer.concat(held, this.#heldBytes))
  }

  #sendWhole(held: readonly Uint8Array[]): void {
    this.#held = undefined
    sendHead(this.#reply, 200, [
      ['Content-Type', STREAM_RESPONSE],
      ['Content-Length', String(this.#heldBytes)],
      [REQUEST_ID, this.#id],
    ])
    sendWhole(this.#reply, Buffer.concat(held, this.#heldBytes))
  }
}

const flush = (form: StreamForm): boolean => form.flush()

/** All in one JSON value, which is sent when the last of it has come. */
export class JsonForm implements AnswerForm {
  readonly #reply: ApiReply
  readonly #id: string
  readonly #maxBytes: number
  readonly #held: HeldPart
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #head: JobHead | undefined = undefined

  constructor(reply: ApiReply, id: string, maxBytes: number, held: HeldPart) {
    this.#reply = reply
    this.#id = id
    this.#maxBytes = maxBytes
    this.#held = held
  }

  head(head: JobHead): void {
    this.#head = head
  }

  /** @throws ServiceError RESPONSE_TOO_LARGE, OVERLOADED */
  write(chunk: Uint8Array): boolean {
    this.#size += chunk.length
    if (this.#size > this.#maxBytes) throw new ServiceError('RESPONSE_TOO_LARGE')
    this.#held.take(chunk.length)
    this.#chunks.push(chunk)
    return true
  }

  end(trailers: readonly HttpField[]): void {
    const body = Buffer.concat(this.#chunks).toString('base64')
    const more = trailers.length === 0 ? undefined : trailers
    const text = Buffer.from(JSON.stringify({ ...preambleOf(this.#head!), body, trailers: more }))
    sendHead(this.#reply, 200, [
      ['Content-Type', 'application/json'],
      ['Content-Length', String(text.length)],
      [REQUEST_ID, this.#id],
    ])
    sendWhole(this.#reply, text)
  }
}

/** As the target has sent it: what a proxy does. */
export class ProxyForm implements AnswerForm {
  readonly #reply: ApiReply
  readonly #id: string
  readonly #via: string
  #isFlushed = false

  constructor(reply: ApiReply, id: string, via: string) {
    this.#reply = reply
    this.#id = id
    this.#via = via
  }

  head({ status, fields }: JobHead): void {
    sendHead(this.#reply, status, [...fields, ['Via', `1.1 ${this.#via}`], [REQUEST_ID, this.#id]])
    // A target may take its time until the first byte of a body; where it does not, head and body go together.
    setImmediate(() => this.#flush())
  }

  write(chunk: Uint8Array): boolean {
    this.#isFlushed = true
    return sendChunk(this.#reply, chunk)
  }

  end(trailers: readonly HttpField[]): void {
    this.#isFlushed = true
    sendEnd(this.#reply, trailers)
  }

  #flush(): void {
    if (!this.#isFlushed) sendNow(this.#reply)
  }
}
