import { randomBytes } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import { encodeRequestHead, type HttpField, type ResponseHead, WireError } from '@sluice/wire'

/** A request of HTTP/2, in the words of HTTP/1.1. */
export interface H1Head {
  readonly method: string
  readonly bytes: Uint8Array
  /** Its body follows in chunks, since nobody has said how long it is. */
  readonly isChunked: boolean
  /** Of a WebSocket: what its target has to know to be one. */
  readonly key: string | undefined
}

/** Of one connection, and of no use in HTTP/2 (RFC 9113 §8.2.2, RFC 8441 §5). */
const HOP: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'sec-websocket-accept',
  'sec-websocket-key',
  'te',
  'transfer-encoding',
  'upgrade',
])

/**
 * The head for HTTP/1.1 (RFC 9113 §8.3.1); for a WebSocket over HTTP/2 (RFC 8441) that of an upgrade.
 * @param raw names and values in turn, as they came
 * @param hasBody the stream goes on behind its head
 * @throws WireError for what HTTP/1.1 has no words for
 */
export const requestHead = (raw: readonly string[], hasBody: boolean): H1Head => {
  const { pseudo, fields, cookies } = sorted(raw)
  const key = webSocketKey(pseudo)
  const method = key === undefined ? (pseudo.get(':method') ?? '') : 'GET'
  const authority = pseudo.get(':authority') ?? pseudo.get('host') ?? ''
  const all: HttpField[] = [['Host', authority], ...fields]
  if (cookies.length > 0) all.push(['Cookie', cookies.join('; ')])
  if (key !== undefined) all.push(...webSocketFields(key))
  const isChunked = key === undefined && hasBody && !fields.some(([name]) => name === 'content-length')
  if (isChunked) all.push(['Transfer-Encoding', 'chunked'])
  const target = pseudo.get(':path') ?? ''
  const bytes = encodeRequestHead({ method, target, version: '1.1', fields: all })
  return { method, bytes, isChunked, key }
}

/** The visitor has none, since nobody could mistake its request for another one (RFC 8441 §5). @throws WireError */
const webSocketKey = (pseudo: ReadonlyMap<string, string>): string | undefined => {
  const protocol = pseudo.get(':protocol')
  if (protocol === undefined) return undefined
  if (protocol !== 'websocket')
    throw new WireError('WIRE_VALUE', 'of the protocols for CONNECT only websocket is known')
  return randomBytes(16).toString('base64')
}

const webSocketFields = (key: string): HttpField[] => [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Key', key],
]

/**
 * The end of a body in chunks, and what the stream says behind it (RFC 9112 §7.1.2).
 * @param raw names and values in turn, as they came
 */
export const lastChunk = (raw: readonly string[]): Uint8Array => {
  let lines = '0\r\n'
  for (let at = 0; at + 1 < raw.length; at += 2) lines += `${raw[at]!}: ${raw[at + 1]!}\r\n`
  return Buffer.from(`${lines}\r\n`, 'latin1')
}

const sorted = (
  raw: readonly string[],
): { pseudo: Map<string, string>; fields: HttpField[]; cookies: string[] } => {
  const pseudo = new Map<string, string>()
  const fields: HttpField[] = []
  const cookies: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at]!.toLowerCase(), raw[at + 1]!]
    if (name.startsWith(':') || name === 'host') pseudo.set(name, value)
    // Browsers send each by itself (RFC 9113 §8.2.3).
    else if (name === 'cookie') cookies.push(value)
    else if (!HOP.has(name)) fields.push([name, value])
  }
  return { pseudo, fields, cookies }
}

/** The fields of a response for HTTP/2. */
export const responseFields = ({ status, fields }: ResponseHead): OutgoingHttpHeaders => ({
  ':status': status,
  ...fieldsFor(fields),
})

/** Fields for HTTP/2. */
export const fieldsFor = (fields: readonly HttpField[]): OutgoingHttpHeaders => {
  const out: Record<string, string | string[]> = {}
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    if (HOP.has(lower)) continue
    const known = out[lower]
    if (known === undefined) out[lower] = value
    else if (Array.isArray(known)) known.push(value)
    else out[lower] = [known, value]
  }
  return out
}
