import { createRequestHeadDecoder, type RequestHead, WireError } from '@sluice/wire'
import type { Reader } from '../reader.ts'
import { refuse } from '../refuse.ts'
import { CLOSE_CODE } from './frame.ts'
import { answer, isPlainGet, refusalOf, switching, type UpgradeTerms } from './upgrade.ts'
import { WebSocketError } from './websocket-error.ts'
import { WsConn } from './ws-conn.ts'

/** As much as a request head may be, and what stands behind it. */
const MAX_REQUEST_BYTES = 20 * 1024

export interface AcceptOptions extends UpgradeTerms {
  /** The most octets of a message. @default 65,536 */
  readonly maxMessage?: number
  /** What a plain GET is shown, with 200: text, or HTML where it begins with `<`. @default 426 */
  readonly page?: string
}

export interface AcceptedWebSocket {
  readonly conn: WsConn
  /** What stands behind the path. */
  readonly query: URLSearchParams
  /** The web page that the client is on, where it is a browser. */
  readonly origin: string | undefined
}

/**
 * Makes the rest of an accepted conn a WebSocket (RFC 6455 §4.2), without extensions. Whoever asks otherwise is told so
 * in HTTP, and the conn is at its end. How long all that may take is for the caller to bound, by `reader.fail`.
 * @throws WebSocketError WEBSOCKET_INVALID where the client was refused or shown the page; what the reader throws
 */
export const acceptWebSocket = async (reader: Reader, options: AcceptOptions): Promise<AcceptedWebSocket> => {
  const head = await requestHead(reader)
  const refusal = refusalOf(head, options)
  if (refusal === undefined) return upgraded(reader, head, options)
  const { status, reason, why, fields } = refusal
  const page = status === 426 && isPlainGet(head) ? options.page : undefined
  await refuse(
    reader.release(),
    page === undefined ? answer(status, reason, `${why}\n`, fields) : answer(200, 'OK', page),
  )
  throw invalid(
    page === undefined ? `a request was refused with ${status}: ${why}` : 'a plain GET was shown the page',
  )
}

const requestHead = async (reader: Reader): Promise<RequestHead> => {
  reader.maxBytes = Math.max(reader.maxBytes, MAX_REQUEST_BYTES)
  try {
    return await reader.read(createRequestHeadDecoder())
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const isLong = error.code === 'WIRE_TOO_LONG'
    const words = isLong
      ? answer(431, 'Request Header Fields Too Large', 'too long\n')
      : answer(400, 'Bad Request', 'not HTTP/1.1\n')
    await refuse(reader.release(), words)
    throw invalid(error.message)
  }
}

const upgraded = (reader: Reader, head: RequestHead, options: AcceptOptions): AcceptedWebSocket => {
  reader.conn.write(switching(head, options.subprotocol))
  const conn = new WsConn(reader.release(), { isClient: false, maxMessage: options.maxMessage })
  const origin = head.fields.find(([name]) => name.toLowerCase() === 'origin')?.[1]
  return { conn, query: URL.parse(head.target, 'http://h')?.searchParams ?? new URLSearchParams(), origin }
}

const invalid = (why: string): WebSocketError =>
  new WebSocketError('WEBSOCKET_INVALID', why, CLOSE_CODE.ABNORMAL)
