import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import type { Socket } from 'node:net'
import { type Reader, refuse } from '@sluice/net'
import { type Directory, type ServedRequest, ServiceError } from '@sluice/service'
import { fieldValues, type RequestHead } from '@sluice/wire'
import { type ApiDoor, STREAM_WINDOW } from './api-door.ts'
import { ApiRequest, isAbsolute, refusalOf } from './api-request.ts'
import { ApiStreams } from './api-streams.ts'
import { apiAccount } from './login.ts'
import { openApi } from './openapi.ts'
import type { ApiPages } from './routes.ts'
import type { ApiSettings } from './settings.ts'

const MAX_HEAD_BYTES = 16 * 1024
/** How often deadlines are looked at. */
const LOOK_MS = 1000
const MAX_STREAMS = 100

const LINK = Symbol('link')
type Linked<T> = object & { [LINK]?: T }

const onRequest = (message: IncomingMessage, reply: ServerResponse): void =>
  (message.socket as Linked<ApiRequest>)[LINK]?.onRequest(message, reply)

const onBroken = (error: Error, socket: Linked<ApiRequest>): void => socket[LINK]?.onBroken(error)

function onClose(this: Linked<ApiRequest>): void {
  this[LINK]?.onClose()
}

const onH2Request = (message: Http2ServerRequest, reply: Http2ServerResponse): void => {
  const { session } = message.stream
  if (session !== undefined) (session as Linked<ApiStreams>)[LINK]?.onRequest(message, reply)
}

/** Speaks HTTP with the clients of a door that ask for its API, and with those that ask a proxy for https. It listens nowhere itself. */
export class ApiServer implements ApiDoor {
  readonly pages: ApiPages
  #settings: ApiSettings
  readonly #h1: Server
  readonly #h2: Http2Server

  constructor(settings: ApiSettings) {
    this.#settings = settings
    this.pages = pagesOf(settings)
    this.#h1 = createServer({
      maxHeaderSize: MAX_HEAD_BYTES,
      insecureHTTPParser: false,
      // Node's own answers to it have neither code nor id.
      requireHostHeader: false,
      connectionsCheckingInterval: LOOK_MS,
      // A body may take as long as it takes: whoever reads it has deadlines of its own.
      requestTimeout: 0,
    })
    this.#h1.maxHeadersCount = 0
    this.#h1.on('request', onRequest).on('checkContinue', onRequest).on('checkExpectation', onRequest)
    this.#h1.on('clientError', onBroken)
    // Without it Node does not look at the deadlines of heads.
    this.#h1.emit('listening')
    this.#h2 = createHttp2Server({
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        initialWindowSize: STREAM_WINDOW,
        maxHeaderListSize: MAX_HEAD_BYTES,
      },
    })
    this.#h2
      .on('request', onH2Request)
      .on('checkContinue', onH2Request)
      .on('connect', onH2Request)
      .on('sessionError', () => {})
    this.update(settings)
  }

  get settings(): ApiSettings {
    return this.#settings
  }

  /** Holds for all requests from now on. */
  update(settings: ApiSettings): void {
    this.#settings = settings
    this.#h1.headersTimeout = settings.headMs
    this.#h1.keepAliveTimeout = settings.keepAliveMs
  }

  /** Conns that are there go on. */
  close(): void {
    this.#h1.close()
    this.#h2.close()
  }

  /**
   * Lets in who asks, by the first head of a conn of HTTP/1.1, which `reader` has not taken: it is read again.
   * @throws what `apiAccount` throws, once the client was told
   */
  async handshake(reader: Reader, directory: Directory, head: RequestHead): Promise<ServedRequest> {
    const isProxied = isAbsolute(head.target)
    const [givenId] = fieldValues(head, 'sluice-request-id')
    const first = { isProxied, givenId, headOnly: head.method === 'HEAD' }
    try {
      const [value, another] = fieldValues(head, isProxied ? 'proxy-authorization' : 'authorization')
      if (another !== undefined) throw new ServiceError('HANDSHAKE_INVALID', 'credentials are repeated')
      const login = await apiAccount(value, directory, reader, this.#settings.isOpen)
      return new ApiRequest(reader.conn, login, first, this)
    } catch (error) {
      await refuse(reader.conn, refusalOf(error, first))
      throw error
    }
  }

  /** As `handshake`, of a conn that begins as HTTP/2 does; see `isH2Preface`. */
  async h2Handshake(reader: Reader, directory: Directory): Promise<ServedRequest> {
    const streams = new ApiStreams(reader.release(), this)
    await streams.signIn(reader, directory)
    return streams
  }

  speakH1(socket: Socket, link: ApiRequest): void {
    ;(socket as Linked<ApiRequest>)[LINK] = link
    this.#h1.emit('connection', socket)
    socket.on('close', onClose)
  }

  speakH2(socket: Socket, link: ApiStreams): ServerHttp2Session | undefined {
    // A client that has ended its side is gone, as HTTP/2 sees it; nobody would close ours.
    socket.allowHalfOpen = false
    let opened: Linked<ApiStreams> | undefined
    const onSession = (session: ServerHttp2Session): void => {
      opened = Object.assign(session, { [LINK]: link })
    }
    this.#h2.once('session', onSession).emit('connection', socket)
    this.#h2.off('session', onSession)
    return opened as ServerHttp2Session | undefined
  }
}

const pagesOf = ({ version }: ApiSettings): ApiPages => ({
  openapi: Buffer.from(`${JSON.stringify(openApi(version))}\n`),
  about: Buffer.from(ABOUT),
})

const ABOUT = `This is https-proxy of Sluice: requests wait here for their turn, and are answered.

POST /v1/requests      have a request made
GET  /v1/queue         what waits
GET  /v1/openapi.json  all of it in detail

It is a proxy of HTTP as well: CONNECT, and requests with a whole URL.
`
