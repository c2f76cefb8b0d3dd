import { Readable } from 'node:stream'
import type { HttpField } from '@sluice/wire'
import { type Dispatcher, Pool } from 'undici'
import { unanswered } from './https-proxy-error.ts'
import { authorizationOf, framed, lengthOf, requestPreamble, serverUrl } from './request-words.ts'
import { ResponseBody, takePreamble } from './response-body.ts'
import { idOf, isResponse, problemOf, type ResponseWords, responseOf, trailersOf } from './server-words.ts'

/** How to get in. */
export interface HttpsProxyClientOptions {
  /** `host:port`, or an http or https URL of it. */
  readonly server: string
  /** Name and password of a user; or a token. None at an open door. */
  readonly user?: string | undefined
  readonly password?: string | Uint8Array | undefined
  readonly token?: string | undefined
  /** Certificates to trust, PEM, instead of the system's. */
  readonly ca?: string | Uint8Array | undefined
  /** Connections at the same time, each with one request. @default as many as there are requests */
  readonly connections?: number | undefined
  /** How long the server may take to accept a connection, ms. @default 10,000 */
  readonly connectMs?: number | undefined
  /** How long it may take until an answer begins, and between two pieces of it, ms; 0 for any time. @default 300,000 */
  readonly answerMs?: number | undefined
}

/** A request that the server is to make. */
export interface ProxiedRequest {
  /** @default GET */
  readonly method?: string | undefined
  readonly url: string | URL
  /** In order, repeated ones too. */
  readonly headers?: readonly HttpField[] | Readonly<Record<string, string>> | undefined
  readonly body?: Uint8Array | string | Readable | undefined
  /** Of a stream, where it is known: then the origin is told. */
  readonly bodyBytes?: number | undefined
  /** How many redirects to follow. @default 0 */
  readonly redirects?: number | undefined
  /** Among the requests of the same user that wait. @default normal */
  readonly priority?: 'high' | 'normal' | 'low' | undefined
  /** Gives the request up, wherever it is. */
  readonly signal?: AbortSignal | undefined
}

/** What the origin answered. */
export interface ProxiedResponse {
  readonly status: number
  /** In order, repeated ones too. */
  readonly headers: readonly HttpField[]
  /** Where the answer is from, after redirects. */
  readonly url: string
  /** It came out of the server's cache. */
  readonly cached: boolean
  /** What the server calls this request. */
  readonly id: string | undefined
  /** To be read to its end, or destroyed. An answer that breaks off is an error: HttpsProxyError RESPONSE_CUT. */
  readonly body: Readable
  /** Those of the origin, once `body` has ended. */
  readonly trailers: () => readonly HttpField[]
}

const PATH = '/v1/requests'
const REQUEST_TYPE = 'application/vnd.sluice.request'

/**
 * Has requests made by an https-proxy, over its API in HTTP/1.1: over HTTP/2 undici loses the trailers of an answer.
 * Connections are kept for the next request.
 */
export class HttpsProxyClient implements AsyncDisposable {
  readonly #pool: Pool
  readonly #server: string
  readonly #headers: Readonly<Record<string, string>>

  /** @throws HttpsProxyError REQUEST_INVALID for a server, or credentials, that cannot be */
  constructor(options: HttpsProxyClientOptions) {
    const { ca, connections = null, connectMs = 10_000, answerMs = 300_000 } = options
    const url = serverUrl(options.server)
    this.#server = url.host
    const authorization = authorizationOf(options)
    this.#headers = { 'content-type': REQUEST_TYPE, ...(authorization !== undefined && { authorization }) }
    this.#pool = new Pool(url.origin, {
      connections,
      connect: { timeout: connectMs, ...(ca !== undefined && { ca: Buffer.from(ca) }) },
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
    })
  }

  /** @returns once the origin's head is there @throws HttpsProxyError; what `signal` was aborted with; what `body` failed with */
  async request(request: ProxiedRequest): Promise<ProxiedResponse> {
    const preamble = requestPreamble(request)
    const answer = await this.#send(preamble, request)
    const words = await this.#wordsOf(answer)
    const body = new ResponseBody(answer.body)
    return { ...words, id: idOf(answer), body, trailers: () => trailersOf(answer) }
  }

  /** Waits for requests under way. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  /** Ends requests under way. */
  destroy(): Promise<void> {
    return this.#pool.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy()
  }

  async #send(preamble: Uint8Array, request: ProxiedRequest): Promise<Dispatcher.ResponseData> {
    const { body, signal } = request
    const headers = { ...this.#headers, ...lengthOf(preamble, request) }
    const asked = {
      path: PATH,
      method: 'POST',
      headers,
      body: framed(preamble, body),
      signal: signal ?? null,
    }
    try {
      return await this.#pool.request(asked)
    } catch (error) {
      signal?.throwIfAborted()
      // The caller's own stream has failed, and knows why.
      if (body instanceof Readable && body.errored !== null) throw body.errored
      throw unanswered(error, this.#server)
    }
  }

  async #wordsOf(answer: Dispatcher.ResponseData): Promise<ResponseWords> {
    try {
      if (!isResponse(answer)) throw await problemOf(answer, this.#server)
      return responseOf(await takePreamble(answer.body))
    } catch (error) {
      answer.body.on('error', () => {}).destroy()
      throw error
    }
  }
}
