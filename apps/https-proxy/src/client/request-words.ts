import { Readable } from 'node:stream'
import { encodeBasic, encodePreamble, formatAddress, type HttpField, parseAddress } from '@sluice/wire'
import type { HttpsProxyClientOptions, ProxiedRequest } from './https-proxy-client.ts'
import { HttpsProxyError } from './https-proxy-error.ts'

/** Where a server is. @throws HttpsProxyError REQUEST_INVALID */
export const serverUrl = (server: string): URL => {
  const url = URL.parse(server.includes('://') ? server : `http://${hostPort(server)}`)
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/') return url
  throw new HttpsProxyError('REQUEST_INVALID', `${server.slice(0, 80)} is no server, such as localhost:8888`)
}

const hostPort = (text: string): string => {
  try {
    return formatAddress(parseAddress(text))
  } catch {
    return ''
  }
}

/** The value of Authorization. @throws HttpsProxyError REQUEST_INVALID for credentials that cannot be sent */
export const authorizationOf = ({
  user,
  password = '',
  token,
}: HttpsProxyClientOptions): string | undefined => {
  if (token !== undefined) return `Bearer ${token}`
  if (user === undefined) return undefined
  try {
    return encodeBasic({ username: Buffer.from(user), password: Buffer.from(password) })
  } catch (cause) {
    throw new HttpsProxyError(
      'REQUEST_INVALID',
      'a name with a colon, or a control character in it or in the password',
      {
        cause,
      },
    )
  }
}

/** What stands in front of the body. @throws HttpsProxyError REQUEST_INVALID where it is too long */
export const requestPreamble = ({
  method,
  url,
  headers,
  redirects,
  priority,
}: ProxiedRequest): Uint8Array => {
  const words = { method, url: String(url), headers: fieldsOf(headers), redirects, priority }
  try {
    return encodePreamble(JSON.stringify(words))
  } catch (cause) {
    throw new HttpsProxyError('REQUEST_INVALID', 'URL and headers are over 64 KiB, or no text', { cause })
  }
}

const fieldsOf = (headers: ProxiedRequest['headers'] = []): readonly HttpField[] =>
  Array.isArray(headers) ? (headers as readonly HttpField[]) : Object.entries(headers)

/** The body of the request to the server. */
export const framed = (preamble: Uint8Array, body: ProxiedRequest['body']): Buffer | Readable => {
  if (body instanceof Readable) return Readable.from(behind(preamble, body), { objectMode: false })
  return body === undefined ? Buffer.from(preamble) : Buffer.concat([preamble, Buffer.from(body)])
}

async function* behind(preamble: Uint8Array, body: Readable): AsyncGenerator<Uint8Array> {
  yield preamble
  yield* body
}

/** Without it the origin is sent a body whose end is told by its framing. */
export const lengthOf = (
  preamble: Uint8Array,
  { body, bodyBytes }: ProxiedRequest,
): Record<string, string> =>
  body instanceof Readable && bodyBytes !== undefined
    ? { 'content-length': String(preamble.length + bodyBytes) }
    : {}
