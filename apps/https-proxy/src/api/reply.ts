import { IncomingMessage, type ServerResponse } from 'node:http'
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { HttpField } from '@sluice/wire'

export type ApiRequestMessage = IncomingMessage | Http2ServerRequest
export type ApiReply = ServerResponse | Http2ServerResponse

/** What may wait to be sent before whoever makes it has to pause. */
const HIGH_WATER = 64 * 1024
const SHORT = 16 * 1024

export const isH2 = (message: ApiRequestMessage): message is Http2ServerRequest =>
  !(message instanceof IncomingMessage)

export const isH2Reply = (reply: ApiReply): reply is Http2ServerResponse => 'stream' in reply

/** All fields as they came, without the pseudo ones of HTTP/2. */
export const fieldsOf = ({ rawHeaders }: ApiRequestMessage): HttpField[] => {
  const fields: HttpField[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (!name.startsWith(':')) fields.push([name, rawHeaders[at + 1]!])
  }
  return fields
}

/** The one value of a field. @returns undefined where there is none, or an empty text where there are several that differ */
export const fieldOf = ({ rawHeaders }: ApiRequestMessage, name: string): string | undefined => {
  let found: string | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.length !== name.length || rawHeaders[at]!.toLowerCase() !== name) continue
    const value = rawHeaders[at + 1]!
    if (found !== undefined && found !== value) return ''
    found = value
  }
  return found
}

/** Its length, where that is told. */
export const lengthOf = (message: ApiRequestMessage): number | undefined => {
  const text = fieldOf(message, 'content-length')
  return text === undefined ? undefined : Number(text)
}

/** Whether a body follows the head, be it empty. */
export const hasBody = (message: ApiRequestMessage): boolean =>
  isH2(message)
    ? !message.stream.endAfterHeaders
    : fieldOf(message, 'transfer-encoding') !== undefined || (lengthOf(message) ?? 0) > 0

const NO_HEADERS: string[] = []
const NO_FIELDS = Object.freeze({})

/** Forgets the head of a message that nobody will look at again: most of what a request holds that waits. */
export const forgetHead = (message: ApiRequestMessage): void => {
  if (isH2(message)) return
  message.rawHeaders = NO_HEADERS
  message.headers = NO_FIELDS
}

/** Sends a head with its fields in the order, spelling and number that they have. @throws Error for what cannot be sent */
export const sendHead = (reply: ApiReply, status: number, fields: readonly HttpField[]): void => {
  if (isH2Reply(reply)) {
    reply.writeHead(status, grouped(fields))
    return
  }
  const sent = hasChunks(reply, status, fields)
    ? fields
    : fields.filter(([name]) => !isNamed(name, 'trailer'))
  reply.writeHead(status, sent.flat())
}

/** Where the body is not in chunks, nothing can follow it, and Node refuses to announce that. */
const hasChunks = ({ req }: ServerResponse, status: number, fields: readonly HttpField[]): boolean => {
  if (req.httpVersion === '1.0' || req.method === 'HEAD' || status === 204 || status === 304) return false
  return !fields.some(([name]) => isNamed(name, 'content-length'))
}

const isNamed = (name: string, lower: string): boolean =>
  name.length === lower.length && name.toLowerCase() === lower

/** @returns whether more may follow at once; if not, 'drain' tells when */
export const sendChunk = (reply: ApiReply, chunk: Uint8Array): boolean => {
  if (isH2Reply(reply)) reply.write(chunk)
  else reply.write(chunk)
  return reply.writableLength < HIGH_WATER
}

/** Ends a response with all of its body. Of a short one Node makes one text with the head, which goes out in one piece. */
export const sendWhole = (reply: ApiReply, body: Uint8Array): void => {
  if (isH2Reply(reply) || body.length > SHORT) reply.end(body)
  else reply.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1')
}

/** Sends a head that waits for the first of its body to go together with it. */
export const sendNow = (reply: ApiReply): void => {
  if (!isH2Reply(reply) && !reply.destroyed) reply.flushHeaders()
}

/** Of one that is closed: whether all of it went out. HTTP/2's tells of its finish whatever its end was. */
export const isWhole = (reply: ApiReply): boolean =>
  isH2Reply(reply)
    ? reply.writableEnded && reply.stream.rstCode === constants.NGHTTP2_NO_ERROR
    : reply.writableFinished

/** Ends a response, with trailers where the version and framing of HTTP have a place for them. */
export const sendEnd = (reply: ApiReply, trailers: readonly HttpField[]): void => {
  if (trailers.length > 0) {
    if (isH2Reply(reply)) reply.addTrailers(grouped(trailers))
    else reply.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]))
  }
  reply.end()
}

const grouped = (fields: readonly HttpField[]): Record<string, string | string[]> => {
  const all = new Map<string, string[]>()
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    const values = all.get(lower)
    if (values === undefined) all.set(lower, [value])
    else values.push(value)
  }
  return Object.fromEntries(
    Array.from(all, ([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  )
}
