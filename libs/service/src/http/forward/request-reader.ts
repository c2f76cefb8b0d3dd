import { BodyScan, createRequestHeadDecoder, type ForwardedRequest, forwardRequest } from '@sluice/wire'
import type { ReadRequest } from './read-request.ts'
import type { ForwardSettings } from './settings.ts'

const NOTHING = new Uint8Array(0)

/** A head that has been read, and the bytes that it took. */
export interface ReadHead {
  readonly request: ReadRequest
  readonly size: number
}

/** Takes one client's bytes apart into heads and bodies. */
export class RequestReader {
  /** Bytes that are not read yet, lent for as long as the conn is paused. */
  rest: Uint8Array | undefined = undefined
  readonly #settings: Pick<ForwardSettings, 'via' | 'read'>
  readonly #decode = createRequestHeadDecoder()
  readonly #body = new BodyScan()
  #head: Uint8Array | undefined = undefined

  constructor(settings: Pick<ForwardSettings, 'via' | 'read'>) {
    this.#settings = settings
  }

  /** A head has begun and is not whole. */
  get isWithinHead(): boolean {
    return this.#head !== undefined
  }

  /** All of the last request's body has been taken. */
  get isBodyRead(): boolean {
    return this.#body.ended
  }

  /** Reads on in the rest, which is used up where a head is not whole. @throws WireError */
  takeHead(): ReadHead | undefined {
    const rest = this.rest ?? NOTHING
    const bytes = this.#head === undefined ? rest : Buffer.concat([this.#head, rest])
    this.rest = undefined
    const decoded = this.#decode(bytes)
    if (decoded === undefined) {
      this.#head = bytes === rest ? Buffer.from(rest) : bytes
      return undefined
    }
    const { value, size } = decoded
    this.#head = undefined
    if (size < bytes.length) this.rest = bytes.subarray(size)
    const { read, via } = this.#settings
    const request = read?.(value) ?? forwardRequest(value, via)
    this.beginBody(request)
    return { request, size }
  }

  /** The head of this request is read. */
  beginBody({ body }: ForwardedRequest): void {
    this.#body.begin(body)
  }

  /** What the rest has of the body, lent as it is. @throws WireError */
  takeBody(): Uint8Array {
    const { rest } = this
    if (rest === undefined || this.#body.ended) return NOTHING
    const end = this.#body.scan(rest, 0)
    this.rest = end < rest.length ? rest.subarray(end) : undefined
    return end < rest.length ? rest.subarray(0, end) : rest
  }
}
