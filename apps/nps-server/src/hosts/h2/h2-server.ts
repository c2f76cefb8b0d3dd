import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'

const MAX_HEAD_BYTES = 16 * 1024
const MAX_STREAMS = 100
/** What one stream may bring that nobody has read yet. */
const STREAM_WINDOW = 256 * 1024
/** More than a few streams may have on their way, so that one that waits seldom holds up another. */
const CONNECTION_WINDOW = 4 * 1024 * 1024

/** Who gets the streams of a connection. */
export interface StreamTaker {
  onStream(stream: ServerHttp2Stream, raw: readonly string[], hasBody: boolean): void
}

type Taken = ServerHttp2Session & { taker?: StreamTaker | undefined }

/** NGHTTP2_FLAG_END_STREAM */
const END_STREAM = 1

/** Speaks HTTP/2 over sockets that it is given. It listens nowhere itself. */
export class H2Server {
  readonly #server: Http2Server

  constructor() {
    this.#server = createServer({
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        initialWindowSize: STREAM_WINDOW,
        maxHeaderListSize: MAX_HEAD_BYTES,
        // WebSockets come this way, too (RFC 8441).
        enableConnectProtocol: true,
      },
    })
    this.#server.on('sessionError', () => {}).on('stream', onStream)
  }

  /** @returns undefined where TLS did not agree on HTTP/2 */
  speak(socket: Socket, taker: StreamTaker): ServerHttp2Session | undefined {
    // A client that has ended its side is gone, as HTTP/2 sees it; nobody would close ours.
    socket.allowHalfOpen = false
    let opened: Taken | undefined
    const onSession = (session: ServerHttp2Session): void => {
      const taken: Taken = Object.assign(session, { taker })
      // Node may keep a session that has ended, of a client that has never answered to its settings.
      taken.once('close', () => (taken.taker = undefined))
      opened = taken
    }
    this.#server.once('session', onSession).emit('connection', socket)
    this.#server.off('session', onSession)
    if (opened?.destroyed === false) opened.setLocalWindowSize(CONNECTION_WINDOW)
    return opened
  }
}

const onStream = (
  stream: ServerHttp2Stream,
  _headers: object,
  flags: number,
  raw: readonly string[],
): void => {
  // Of a stream that breaks, 'close' tells.
  stream.on('error', () => {})
  const session = stream.session as Taken | undefined
  session?.taker?.onStream(stream, raw, (flags & END_STREAM) === 0)
}
