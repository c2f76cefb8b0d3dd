import { createHash } from 'node:crypto'
import { encodeResponseHead, fieldValues, type HttpField, type RequestHead } from '@sluice/wire'

/** What makes an answer to a key one of a WebSocket server (RFC 6455 §1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** 16 octets in Base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** What a server answers to a key. */
export const acceptKey = (key: string): string =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64')

/** Whether one of the fields of that name has `word` in its list, in any case. */
export const lists = (head: { readonly fields: readonly HttpField[] }, name: string, word: string): boolean =>
  listed(head, name).some((each) => each.toLowerCase() === word)

/** What the lists of all fields of that name hold. */
export const listed = (head: { readonly fields: readonly HttpField[] }, name: string): string[] =>
  fieldValues(head, name)
    .flatMap((value) => value.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** What an upgrade has to fulfil. */
export interface UpgradeTerms {
  /** The path, without a query. @default any */
  readonly path?: string | undefined
  /** Whether anybody is upgraded; if not, all there is is the page. @default true */
  readonly upgrades?: boolean | undefined
  /** The one of the client's subprotocols that it gets; who does not offer it is refused. */
  readonly subprotocol: string
  /** The web pages that may come, by their origin (`https://example.com`). Who sends none is no browser, and may come. @default any */
  readonly mayCome?: ((origin: string) => boolean) | undefined
}

/** Why an upgrade is refused, as its client is told. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  readonly why: string
  readonly fields?: readonly HttpField[]
}

/** No WebSocket is asked for, but a page: a plain GET. */
export const isPlainGet = (head: RequestHead): boolean =>
  head.method === 'GET' && !lists(head, 'upgrade', 'websocket')

/** @returns undefined where the request may be upgraded (RFC 6455 §4.2.1) */
export const refusalOf = (head: RequestHead, terms: UpgradeTerms): Refusal | undefined => {
  if (head.method !== 'GET') {
    return { status: 405, reason: 'Method Not Allowed', why: 'only GET', fields: [['Allow', 'GET']] }
  }
  if (terms.path !== undefined && pathOf(head.target) !== terms.path) {
    return { status: 404, reason: 'Not Found', why: `only ${terms.path}` }
  }
  if (isPlainGet(head)) return upgradeRequired('only WebSocket', ['Upgrade', 'websocket'])
  if (terms.upgrades === false) return { status: 404, reason: 'Not Found', why: 'no WebSocket here' }
  const fault = faultOf(head)
  if (fault !== undefined) return badRequest(fault)
  if (!fieldValues(head, 'sec-websocket-version').includes('13')) {
    return upgradeRequired('only version 13', ['Sec-WebSocket-Version', '13'])
  }
  const [origin] = fieldValues(head, 'origin')
  if (origin !== undefined && terms.mayCome?.(origin) === false) {
    return { status: 403, reason: 'Forbidden', why: 'pages of this origin may not come' }
  }
  const isOffered = listed(head, 'sec-websocket-protocol').includes(terms.subprotocol)
  return isOffered ? undefined : badRequest(`only the subprotocol ${terms.subprotocol}`)
}

/** `/path?query` or `http://host/path?query`. */
const pathOf = (target: string): string => URL.parse(target, 'http://h')?.pathname ?? ''

const faultOf = (head: RequestHead): string | undefined => {
  if (head.version !== '1.1') return 'an upgrade needs HTTP/1.1'
  if (fieldValues(head, 'host').length !== 1) return 'an upgrade needs one Host'
  if (!lists(head, 'connection', 'upgrade')) return 'Connection does not say Upgrade'
  if (fieldValues(head, 'transfer-encoding').length > 0) return 'an upgrade has no body'
  if (fieldValues(head, 'content-length').some((length) => length !== '0')) return 'an upgrade has no body'
  if (fieldValues(head, 'origin').length > 1) return 'more than one Origin'
  const keys = fieldValues(head, 'sec-websocket-key')
  return keys.length === 1 && KEY.test(keys[0]!) ? undefined : 'Sec-WebSocket-Key is not 16 octets in Base64'
}

const badRequest = (why: string): Refusal => ({ status: 400, reason: 'Bad Request', why })

const upgradeRequired = (why: string, field: HttpField): Refusal => ({
  status: 426,
  reason: 'Upgrade Required',
  why,
  fields: [['Connection', 'Upgrade'], field],
})

/** The answer that makes the conn a WebSocket. */
export const switching = (head: RequestHead, subprotocol: string): Uint8Array =>
  encodeResponseHead({
    status: 101,
    reason: 'Switching Protocols',
    fields: [
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Accept', acceptKey(fieldValues(head, 'sec-websocket-key')[0]!)],
      ['Sec-WebSocket-Protocol', subprotocol],
    ],
  })

/** A whole answer with a body, after which the conn ends. */
export const answer = (
  status: number,
  reason: string,
  body: string,
  fields: readonly HttpField[] = [],
): Uint8Array => {
  const type = body.startsWith('<') ? 'text/html' : 'text/plain'
  const head = encodeResponseHead({
    status,
    reason,
    fields: [
      ...(fields.some(([name]) => name === 'Connection') ? [] : [['Connection', 'close'] as const]),
      ['Content-Type', `${type}; charset=utf-8`],
      ['Content-Length', String(Buffer.byteLength(body))],
      ['Cache-Control', 'no-store'],
      ['X-Content-Type-Options', 'nosniff'],
      ...fields,
    ],
  })
  return Buffer.concat([head, Buffer.from(body)])
}
