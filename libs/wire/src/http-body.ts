import { ChunkedScan } from './http-chunked.ts'
import { WireError } from './wire-error.ts'

/**
 * How the end of a body is found (RFC 9112 §6.3), as a number: 0 or more is its length in bytes; `CHUNKED`, and for a
 * response `UNTIL_CLOSE`, say that it has none.
 */
export type BodyFraming = number
export const CHUNKED: BodyFraming = -1
export const UNTIL_CLOSE: BodyFraming = -2

/** What a head says about its body: the values of each Content-Length and Transfer-Encoding, and the version. */
export interface FramingFields {
  readonly version: '1.0' | '1.1'
  readonly lengths: readonly string[]
  readonly codings: readonly string[]
}

/**
 * The framing of a request, refusing whatever two parsers could read in two ways.
 * @throws WireError
 *   WIRE_LENGTH for both fields at once, for either one twice, for a length that is not 1 to 16 digits and at most 2^53 - 1,
 *   for Transfer-Encoding in HTTP/1.0, and for one that does not end in chunked;
 *   WIRE_ENCODING for codings in front of chunked
 */
export function requestFraming(fields: FramingFields): BodyFraming {
  return framing(fields) ?? 0
}

/**
 * The framing of a response to a request of that method; interim ones (1xx) have no body.
 * @throws WireError as {@link requestFraming}
 */
export function responseFraming(fields: FramingFields, method: string, status: number): BodyFraming {
  const said = framing(fields)
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return 0
  if (method === 'CONNECT' && status < 300) return 0
  return said ?? UNTIL_CLOSE
}

function framing({ version, lengths, codings }: FramingFields): BodyFraming | undefined {
  if (lengths.length + codings.length > 1)
    throw new WireError('WIRE_LENGTH', 'the length of the body is given more than once')
  if (lengths.length > 0) return contentLength(lengths[0]!)
  if (codings.length === 0) return undefined
  if (version === '1.0') throw new WireError('WIRE_LENGTH', 'HTTP/1.0 has no Transfer-Encoding')
  const coding = codings[0]!.toLowerCase()
  if (coding === 'chunked') return CHUNKED
  if (/^[^,]+,(?:.*,)?[ \t]*chunked$/.test(coding))
    throw new WireError('WIRE_ENCODING', 'of the transfer codings only chunked is known')
  throw new WireError('WIRE_LENGTH', 'the transfer coding does not end in chunked')
}

function contentLength(text: string): number {
  const length = /^\d{1,16}$/.test(text) ? Number(text) : Infinity
  if (length > Number.MAX_SAFE_INTEGER) throw new WireError('WIRE_LENGTH', 'Content-Length is not a length')
  return length
}

/** Finds the ends of bodies in bytes that pass by, one body after the other. Keeps no bytes. */
export class BodyScan {
  ended = true
  #left = 0
  #chunked: ChunkedScan | undefined = undefined

  /** The next body is framed like this; one of length 0 has ended at once. */
  begin(body: BodyFraming): void {
    this.#chunked = body === CHUNKED ? new ChunkedScan() : undefined
    this.#left = body === UNTIL_CLOSE ? Infinity : body
    this.ended = body === 0
  }

  /**
   * Goes on at `offset`, which must be behind what was scanned before.
   * @returns the offset behind the last byte that belongs to this body; `bytes.length` unless it has `ended`
   * @throws WireError what {@link ChunkedScan} throws
   */
  scan(bytes: Uint8Array, offset: number): number {
    const chunked = this.#chunked
    if (chunked !== undefined) {
      const end = chunked.scan(bytes, offset)
      this.ended = chunked.ended
      return end
    }
    const size = Math.min(this.#left, bytes.length - offset)
    this.#left -= size
    this.ended = this.#left === 0
    return offset + size
  }

  /** The stream has ended. @returns whether that is how this body ends */
  close(): boolean {
    if (this.#left === Infinity) this.ended = true
    return this.ended
  }
}
