import { SourceError } from './source-error.ts'
import { MAX_LIST_BYTES } from './userconfigs.ts'

export interface PanelClientOptions {
  /** With the token in its query, and perhaps a name and a password. */
  readonly endpoint: string
  /** For one request and all of its answer, ms. */
  readonly timeoutMs: number
  /** Fires after so many ms. @default AbortSignal.timeout */
  readonly timeout?: (ms: number) => AbortSignal
}

interface Call {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

const MAX_REDIRECTS = 3
const MAX_ANSWER_TO_POST = 64 * 1024
/** Of connections that never came to be: the panel cannot have seen the request. */
const UNCONNECTED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS_CERT\w+|ERR_SSL\w+|UNABLE_TO\w+|(?:DEPTH_ZERO_)?SELF_SIGNED\w+|EPROTO)$/

/** Speaks HTTP with a panel: one request at a time, each with an end in time and in size. */
export class PanelClient {
  /** Where usage goes; the same place as users come from, unless the panel says otherwise. */
  #postTo: string | undefined = undefined
  readonly #endpoint: URL
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeout: () => AbortSignal

  constructor({ endpoint, timeoutMs, timeout = AbortSignal.timeout.bind(AbortSignal) }: PanelClientOptions) {
    this.#endpoint = new URL(endpoint)
    this.#headers = { accept: 'application/json', ...authorization(this.#endpoint) }
    this.#endpoint.username = this.#endpoint.password = ''
    this.#timeout = (): AbortSignal => timeout(timeoutMs)
  }

  /** The endpoint without its token, for logs. */
  get place(): string {
    return this.#endpoint.origin + this.#endpoint.pathname
  }

  /** @param url undefined: the endpoint; what is no URL of HTTP, or would leave TLS, is not taken */
  set postTo(url: string | undefined) {
    const parsed = url === undefined ? null : URL.parse(url, this.#endpoint.href)
    this.#postTo = parsed !== null && isNoWorse(this.#endpoint, parsed) ? parsed.href : undefined
  }

  /** The body of the answer. @throws SourceError PANEL_… */
  get(signal: AbortSignal): Promise<Uint8Array> {
    return this.#exchange('GET', signal, MAX_LIST_BYTES)
  }

  /** The body of the answer. @throws SourceError PANEL_… */
  post(body: string, key: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#exchange('POST', signal, MAX_ANSWER_TO_POST, { body, key })
  }

  async #exchange(
    method: 'GET' | 'POST',
    signal: AbortSignal,
    maxBytes: number,
    sent?: { readonly body: string; readonly key: string },
  ): Promise<Uint8Array> {
    const call = {
      method,
      url: (sent && this.#postTo) ?? this.#endpoint.href,
      // As it stands: newer panels take no other, not even with a charset behind it.
      headers: {
        ...this.#headers,
        ...(sent && { 'content-type': 'application/json', 'idempotency-key': sent.key }),
      },
      ...(sent && { body: sent.body }),
      signal: AbortSignal.any([signal, this.#timeout()]),
    }
    try {
      return await bodyOf(await answerTo(call), maxBytes)
    } catch (error) {
      throw error instanceof SourceError ? error : broken(error, call.signal)
    }
  }
}

/** Follows redirects with the method they were met with: after 301 or 302 fetch would ask for users in place of posting. */
const answerTo = async (call: Call): Promise<Response> => {
  let { url } = call
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await fetch(url, { ...call, redirect: 'manual' })
    const location = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || location === null) return response
    await response.body?.cancel()
    const next = URL.parse(location, url)
    const isFit = next !== null && next.hostname === new URL(url).hostname && isNoWorse(new URL(url), next)
    if (!isFit || response.status === 303) break
    url = next.href
  }
  throw new SourceError('PANEL_REFUSED', 'redirects to another host, from TLS to none, or too often')
}

/** @throws SourceError PANEL_REFUSED, PANEL_FAILED, PANEL_TOO_LONG */
const bodyOf = async (response: Response, maxBytes: number): Promise<Uint8Array> => {
  const { status, ok, body } = response
  if (!ok) {
    await body?.cancel()
    throw new SourceError(status >= 500 ? 'PANEL_FAILED' : 'PANEL_REFUSED', `status ${status}`)
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    // Leaving the loop cancels the rest.
    if (length > maxBytes) throw new SourceError('PANEL_TOO_LONG', `over ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** What fetch throws holds the name of the host at most, but is not ours to show: only its code is told. */
const broken = (error: unknown, signal: AbortSignal): SourceError => {
  if (signal.aborted) return new SourceError('PANEL_TIMEOUT', 'no whole answer in time')
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed'
  if (UNCONNECTED.test(code)) return new SourceError('PANEL_UNREACHABLE', `cannot be reached (${code})`)
  return new SourceError('PANEL_BROKEN', `the connection broke (${code})`)
}

const isNoWorse = (from: URL, to: URL): boolean =>
  to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')

const authorization = ({ username, password }: URL): Record<string, string> => {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}
