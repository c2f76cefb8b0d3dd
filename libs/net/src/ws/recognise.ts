import type { Conn } from '../conn.ts'
import { NetError } from '../net-error.ts'
import { Reader } from '../reader.ts'
import { startTls } from '../start-tls.ts'
import type { TlsContext } from '../tls-context.ts'
import { acceptWebSocket, type AcceptOptions } from './accept.ts'

/** What carries a protocol: TCP itself, or TLS, a WebSocket or both on top. */
export type Transport = 'tcp' | 'tls' | 'ws' | 'wss'

export interface RecogniseOptions {
  /** Those that a client may choose from. */
  readonly transports: readonly Transport[]
  /** For tls and wss. */
  readonly tls?: TlsContext | undefined
  /** For ws and wss. A page in it is shown by every listener. */
  readonly ws?: AcceptOptions | undefined
}

export interface Recognised {
  readonly transport: Transport
  /** What stands above the transport; the reader's conn. */
  readonly conn: Conn
  readonly reader: Reader
  /** Of a WebSocket: the query of its URL, and the web page's origin where there is one. */
  readonly query?: URLSearchParams
  readonly origin?: string | undefined
}

/** The first octet of a TLS handshake record (RFC 8446 §5.1). */
const HANDSHAKE = 0x16
/** The first octet of an HTTP method. A raw protocol must not begin with an upper-case letter. */
const isMethod = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a

/**
 * Finds out by a client's first byte which transport it has chosen, and takes it up: 0x16 is TLS, a letter is HTTP that
 * asks for a WebSocket, inside of TLS too; all else is the protocol itself. Where there is just one transport, it is the
 * same and refuses the others.
 * @param reader fresh, or past a PROXY header; its `fail` goes on to end the reader that this returns
 * @throws NetError TRANSPORT_UNSUPPORTED; what `acceptWebSocket`, TLS and the reader throw
 */
export const recognise = async (reader: Reader, options: RecogniseOptions): Promise<Recognised> => {
  const { maxBytes } = reader
  const isSecure = offersTls(options) && (await reader.peek()) === HANDSHAKE
  const inner = isSecure ? reader.handOver(secured(reader, options.tls!)) : reader
  const first = await inner.peek()
  if (isMethod(first) && options.ws !== undefined) {
    return webSocket(inner, isSecure ? 'wss' : 'ws', maxBytes, options)
  }
  const transport = isSecure ? 'tls' : 'tcp'
  if (!options.transports.includes(transport) || (first === HANDSHAKE && !isSecure)) throw unsupported(first)
  return { transport, conn: inner.conn, reader: inner }
}

const offersTls = ({ tls, transports }: RecogniseOptions): boolean =>
  tls !== undefined && (transports.includes('tls') || transports.includes('wss'))

const secured = (reader: Reader, tls: TlsContext): Reader => {
  const conn = reader.release()
  startTls(conn, tls)
  return new Reader(conn, reader.maxBytes)
}

const webSocket = async (
  reader: Reader,
  transport: 'ws' | 'wss',
  maxBytes: number,
  options: RecogniseOptions,
): Promise<Recognised> => {
  const upgrades = options.transports.includes(transport)
  const { conn, query, origin } = await acceptWebSocket(reader, { ...options.ws!, upgrades })
  return { transport, conn, reader: reader.handOver(new Reader(conn, maxBytes)), query, origin }
}

const unsupported = (first: number): NetError =>
  new NetError('TRANSPORT_UNSUPPORTED', `nothing here begins with octet ${first}`)
