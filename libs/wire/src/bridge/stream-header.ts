import type { Decode } from '../decode.ts'
import { encodeText, FieldReader, FieldWriter } from '../fields.ts'
import { WireError } from '../wire-error.ts'
import { JsonFields } from './json-fields.ts'

/** Of the JSON of a header. */
export const MAX_STREAM_HEADER_BYTES = 4096

const LENGTH_BYTES = 2
const MAX_PLACE = 300
const MAX_PATH = 1024

/** A PROXY header is to go to the target, in front of all else. */
export interface StreamProxyHeader {
  readonly version: 1 | 2
  /** Where the visitor came to, host:port. */
  readonly to: string
}

/** What a stream is for: its first bytes, of the side that opened it. */
export type StreamHeader =
  /** Of the server: dial this. `target` is host:port, or a port of the client's own loopback; `visitor` host:port. */
  | {
      readonly type: 'tcp'
      readonly target: string
      readonly visitor: string
      readonly proxy?: StreamProxyHeader | undefined
    }
  /** Of the server: datagrams of one visitor to and from one target. */
  | { readonly type: 'udp'; readonly target: string; readonly visitor: string }
  /** Of the server: datagrams of one visitor to and from anywhere. */
  | { readonly type: 'packets'; readonly visitor: string }
  /** Of the server: HTTP/1.1 follows, to be answered from files. `strip` is what is cut off the front of paths. */
  | { readonly type: 'file'; readonly path: string; readonly strip: string; readonly visitor: string }
  /** Of the client: to be led to a secret tunnel. `password`: MD5 of the password in hex. */
  | { readonly type: 'visit'; readonly password: string }
  /** Of the client: what it has there, as JSON up to the end of the stream. */
  | { readonly type: 'status' }
  /** Of the client: it takes no more streams; those that are open go on. */
  | { readonly type: 'leave' }

/** @throws WireError WIRE_TOO_LONG, WIRE_SYNTAX, WIRE_VALUE */
export const decodeStreamHeader: Decode<StreamHeader> = (bytes) => {
  if (bytes.length < LENGTH_BYTES) return undefined
  const length = (bytes[0]! << 8) | bytes[1]!
  if (length > MAX_STREAM_HEADER_BYTES) {
    throw new WireError('WIRE_TOO_LONG', `a stream header of more than ${MAX_STREAM_HEADER_BYTES} octets`)
  }
  const size = LENGTH_BYTES + length
  if (bytes.length < size) return undefined
  const text = new FieldReader(bytes.subarray(LENGTH_BYTES, size)).text(length)
  return { value: headerOf(new JsonFields(text)), size }
}

export const encodeStreamHeader = (header: StreamHeader): Uint8Array => {
  const text = encodeText(JSON.stringify(header))
  if (text.length > MAX_STREAM_HEADER_BYTES) throw new WireError('WIRE_TOO_LONG', 'the stream header')
  return new FieldWriter().u16(text.length).bytes(text).done()
}

const headerOf = (fields: JsonFields): StreamHeader => {
  const type = fields.text('type', 16)
  const place = (name: string): string => fields.text(name, MAX_PLACE)
  switch (type) {
    case 'tcp':
      return { type, target: place('target'), visitor: place('visitor'), ...proxyOf(fields) }
    case 'udp':
      return { type, target: place('target'), visitor: place('visitor') }
    case 'packets':
      return { type, visitor: place('visitor') }
    case 'file': {
      const [path, strip] = [fields.text('path', MAX_PATH), fields.text('strip', MAX_PATH)]
      return { type, path, strip, visitor: place('visitor') }
    }
    case 'visit':
      return { type, password: passwordOf(fields) }
    case 'status':
    case 'leave':
      return { type }
    default:
      throw new WireError('WIRE_VALUE', 'a stream of an unknown type')
  }
}

const proxyOf = (fields: JsonFields): { proxy?: StreamProxyHeader } => {
  if (!fields.has('proxy')) return {}
  const proxy = fields.object('proxy')
  return { proxy: { version: proxy.whole('version', 1, 2) as 1 | 2, to: proxy.text('to', MAX_PLACE) } }
}

const passwordOf = (fields: JsonFields): string => {
  const password = fields.text('password', 32)
  if (/^[0-9a-f]{32}$/.test(password)) return password
  throw new WireError('WIRE_VALUE', 'password is not 32 hex digits')
}
