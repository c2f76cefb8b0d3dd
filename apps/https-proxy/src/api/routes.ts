import { ServiceError } from '@sluice/service'
import { endToEndFields, type HttpField, isLooped } from '@sluice/wire'
import { JsonForm, ProxyForm, StreamForm } from './answer-form.ts'
import { type Asked, readJsonRequest, readPreamble, targetUrl } from './asked.ts'
import type { Exchange } from './exchange.ts'
import { takeBody, takeFirst, takePreamble } from './intake.ts'
import { type ApiRequestMessage, fieldOf, fieldsOf, hasBody, isH2, lengthOf } from './reply.ts'
import { RequestError } from './request-error.ts'

export const STREAM_REQUEST = 'application/vnd.sluice.request'
const JSON_TYPE = 'application/json'

/** What is always the same, made once. */
export interface ApiPages {
  readonly openapi: Uint8Array
  readonly about: Uint8Array
}

type Route = (exchange: Exchange, pages: ApiPages) => void | Promise<void>

const ROUTES: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  '/': { GET: (exchange, { about }) => page(exchange, 'text/plain; charset=utf-8', about) },
  '/v1/openapi.json': { GET: (exchange, { openapi }) => page(exchange, JSON_TYPE, openapi) },
  '/v1/queue': { GET: (exchange) => queue(exchange) },
  '/v1/requests': { POST: (exchange) => request(exchange) },
}

/** Has a request answered. Never throws, and never rejects. */
export const route = async (exchange: Exchange, pages: ApiPages): Promise<void> => {
  try {
    await routeOf(exchange)(exchange, pages)
  } catch (error) {
    exchange.fail(error)
  }
}

const routeOf = (exchange: Exchange): Route => {
  checkFraming(exchange.message)
  if (exchange.isProxied) return proxied
  const methods = Object.hasOwn(ROUTES, exchange.path) ? ROUTES[exchange.path]! : undefined
  if (methods === undefined) throw new ServiceError('ROUTE_UNKNOWN')
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
  if (Object.hasOwn(methods, method)) return methods[method]!
  const allowed = Object.keys(methods).flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]))
  return (refused) => refused.fail(new ServiceError('METHOD_UNSUPPORTED'), [['Allow', allowed.join(', ')]])
}

const page = (exchange: Exchange, type: string, body: Uint8Array): void =>
  exchange.answer(200, textFields(type, body), body)

const queue = (exchange: Exchange): void => {
  const { session, settings } = exchange.host
  const body = Buffer.from(`${JSON.stringify(settings.queue(session))}\n`)
  exchange.answer(200, [...textFields(JSON_TYPE, body), ['Cache-Control', 'no-store']], body)
}

const textFields = (type: string, body: Uint8Array): HttpField[] => [
  ['Content-Type', type],
  ['Content-Length', String(body.length)],
]

const request = (exchange: Exchange): Promise<void> => {
  const [type] = (fieldOf(exchange.message, 'content-type') ?? '').toLowerCase().split(';', 1)
  if (type?.trim() === STREAM_REQUEST) return streamed(exchange)
  if (type?.trim() === JSON_TYPE) return inJson(exchange)
  throw new RequestError(`Content-Type: ${STREAM_REQUEST} or ${JSON_TYPE}`, 'MEDIA_UNSUPPORTED')
}

/** Methods whose requests have a body so seldom that it is worth waiting for its first byte, or its end. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

const streamed = async (exchange: Exchange): Promise<void> => {
  const { message, reply, id, host } = exchange
  const { bodyMs, redirects, maxRequestBytes } = host.settings
  exchange.goOn()
  const { text, size, rest } = await takePreamble(message, bodyMs)
  const asked = readPreamble(text, redirects)
  const length = lengthOf(message)
  const bodyBytes = length === undefined ? undefined : length - size
  if ((bodyBytes ?? 0) > maxRequestBytes) throw new ServiceError('REQUEST_TOO_LARGE')
  const isUnsure = bodyBytes === undefined && rest.length === 0 && BODILESS.has(asked.method)
  const first = isUnsure ? await takeFirst(message, bodyMs) : rest
  const isThere = bodyBytes !== 0 && first !== undefined
  const body = isThere ? exchange.bodyUp(first) : undefined
  // The end of HTTP/2's stream is told to who has read the body's alone.
  if (!isThere) message.resume()
  exchange.run(
    { ...requestOf(asked), body, bodyBytes: isThere ? bodyBytes : undefined, timing: 'stream' },
    new StreamForm(reply, id),
  )
}

const inJson = async (exchange: Exchange): Promise<void> => {
  const { message, reply, id, host } = exchange
  const { bodyMs, redirects, jsonBytes } = host.settings
  const most = Math.ceil((jsonBytes.up * 4) / 3) + 64 * 1024
  if ((lengthOf(message) ?? 0) > most) throw new ServiceError('REQUEST_TOO_LARGE')
  exchange.goOn()
  const bytes = await takeBody(message, most, bodyMs, exchange.held)
  const asked = readJsonRequest(bytes.toString(), redirects)
  const body = asked.body === undefined ? undefined : Buffer.from(asked.body, 'base64')
  if ((body?.length ?? 0) > jsonBytes.up) throw new ServiceError('REQUEST_TOO_LARGE')
  if (body !== undefined && body.length > 0) await exchange.passUp(body)
  exchange.run(
    { ...requestOf(asked), body, bodyBytes: body?.length, timing: 'whole' },
    new JsonForm(reply, id, jsonBytes.down, exchange.held),
  )
}

const requestOf = ({ method, url, fields, redirects, priority }: Asked): Omit<Asked, 'body'> => ({
  method,
  url,
  fields,
  redirects,
  priority,
})

const proxied = (exchange: Exchange): void => {
  const { message, reply, id, host } = exchange
  const { via, maxRequestBytes } = host.settings
  const fields = fieldsOf(message)
  if (isLooped(fields, via)) throw new ServiceError('LOOP_DETECTED')
  const passed = endToEndFields(fields).filter(([name]) => !OURS.has(name.toLowerCase()))
  const bodyBytes = lengthOf(message)
  if ((bodyBytes ?? 0) > maxRequestBytes) throw new ServiceError('REQUEST_TOO_LARGE')
  exchange.run(
    {
      method: exchange.method,
      url: proxiedUrl(message),
      fields: [...passed, viaOf(message.httpVersion, via)],
      redirects: 0,
      priority: NORMAL,
      body: hasBody(message) ? exchange.bodyUp(undefined) : undefined,
      bodyBytes,
      timing: 'stream',
    },
    new ProxyForm(reply, id, via),
  )
}

/** One for all requests that wait. */
let ownVia: HttpField = ['Via', '']
const viaOf = (version: string, via: string): HttpField => {
  const value = `${version} ${via}`
  if (ownVia[1] !== value) ownVia = ['Via', value]
  return ownVia
}

const NORMAL = 1
/** For us, though they look as if they were for the target. */
const OURS: ReadonlySet<string> = new Set(['expect', 'sluice-request-id'])

/** @throws RequestError */
const proxiedUrl = (message: ApiRequestMessage): URL =>
  targetUrl(isH2(message) ? `${message.scheme}://${message.authority}${message.url}` : (message.url ?? ''))

const hostsOf = ({ rawHeaders }: ApiRequestMessage): number =>
  rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host').length

/** What a lenient parser lets through of RFC 9112 §3.2 and §6.1. @throws ServiceError */
const checkFraming = (message: ApiRequestMessage): void => {
  if (message.httpVersion === '1.1' && hostsOf(message) !== 1) throw new ServiceError('HANDSHAKE_INVALID')
  const coding = fieldOf(message, 'transfer-encoding')
  if (coding === undefined) return
  if (message.httpVersion === '1.0') throw new ServiceError('HANDSHAKE_INVALID')
  if (coding.toLowerCase() !== 'chunked') throw new ServiceError('ENCODING_UNSUPPORTED')
}
