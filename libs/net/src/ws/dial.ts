import { randomBytes } from 'node:crypto'
import {
  createResponseHeadDecoder,
  encodeRequestHead,
  fieldValues,
  type HttpField,
  type ResponseHead,
  WireError,
} from '@sluice/wire'
import type { TargetPolicy } from '../address-policy.ts'
import type { Conn } from '../conn.ts'
import { createDial, type Dial } from '../dial.ts'
import { Reader } from '../reader.ts'
import { connectTls, type TlsDialOptions } from '../start-tls.ts'
import { CLOSE_CODE } from './frame.ts'
import { acceptKey, lists } from './upgrade.ts'
import { WebSocketError } from './websocket-error.ts'
import { WsConn } from './ws-conn.ts'

const MAX_RESPONSE_BYTES = 20 * 1024
/** Whoever dials a URL has chosen where to. */
const ANYWHERE: TargetPolicy = { check: () => {} }

export interface RequestOptions {
  readonly signal: AbortSignal
  readonly subprotocol: string
  /** More fields of the request, such as Authorization or Origin. */
  readonly fields?: readonly HttpField[]
  /** The most octets of a message. @default 65,536 */
  readonly maxMessage?: number
}

export interface WebSocketDialOptions extends RequestOptions {
  /** Of wss. @default the system's authorities, for the host of the URL */
  readonly tls?: Partial<TlsDialOptions>
  /** @default to any address */
  readonly dial?: Dial
}

/**
 * Dials a `ws:` or `wss:` URL.
 * @throws NetError DIAL_*, TLS_FAILED; WebSocketError WEBSOCKET_INVALID where the answer is none of a WebSocket; the
 *   signal's reason
 */
export const dialWebSocket = async (url: string | URL, options: WebSocketDialOptions): Promise<WsConn> => {
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'ws:' && protocol !== 'wss:') throw new TypeError('a WebSocket has a ws: or wss: URL')
  const { signal, dial = createDial({ policy: ANYWHERE }), tls } = options
  const host = hostname.replaceAll(/^\[|\]$/g, '')
  const conn = await dial({ host, port: Number(port) || (protocol === 'wss:' ? 443 : 80) }, signal)
  if (protocol === 'wss:') await connectTls(conn, { name: host, ...tls }, signal)
  return requestWebSocket(conn, url, options)
}

/**
 * Makes a dialled conn a WebSocket (RFC 6455 §4.1); it is destroyed where that fails.
 * @throws WebSocketError WEBSOCKET_INVALID; NetError CLIENT_CLOSED, CLIENT_RESET; the signal's reason
 */
export const requestWebSocket = async (
  conn: Conn,
  url: string | URL,
  { signal, subprotocol, fields = [], maxMessage }: RequestOptions,
): Promise<WsConn> => {
  const reader = new Reader(conn, MAX_RESPONSE_BYTES)
  const onAbort = (): void => reader.fail(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    const key = randomBytes(16).toString('base64')
    conn.write(requestFor(new URL(url), key, subprotocol, fields))
    checkAnswer(await reader.read(createResponseHeadDecoder()), key, subprotocol)
    return new WsConn(reader.release(), { isClient: true, maxMessage })
  } catch (error) {
    conn.destroy()
    throw error instanceof WireError ? invalid(`the answer is not HTTP: ${error.message}`) : error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

const requestFor = (url: URL, key: string, subprotocol: string, fields: readonly HttpField[]): Uint8Array =>
  encodeRequestHead({
    method: 'GET',
    target: `${url.pathname}${url.search}`,
    version: '1.1',
    fields: [
      ['Host', url.host],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Key', key],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Protocol', subprotocol],
      ...fields,
    ],
  })

const checkAnswer = (head: ResponseHead, key: string, subprotocol: string): void => {
  const { status, reason } = head
  if (status !== 101) throw invalid(`the server answers with ${status} ${reason}`)
  const isUpgrade = lists(head, 'upgrade', 'websocket') && lists(head, 'connection', 'upgrade')
  if (!isUpgrade || fieldValues(head, 'sec-websocket-accept')[0] !== acceptKey(key)) {
    throw invalid('the answer is none of a WebSocket server')
  }
  if (fieldValues(head, 'sec-websocket-protocol').join(',') !== subprotocol) {
    throw invalid(`the server does not speak ${subprotocol}`)
  }
  if (fieldValues(head, 'sec-websocket-extensions').length > 0) {
    throw invalid('the server wants an extension that nobody offered')
  }
}

const invalid = (why: string): WebSocketError =>
  new WebSocketError('WEBSOCKET_INVALID', why, CLOSE_CODE.ABNORMAL)
