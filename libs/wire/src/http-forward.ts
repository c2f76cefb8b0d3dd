import type { Address } from './address.ts'
import { type BodyFraming, CHUNKED, requestFraming, responseFraming, UNTIL_CLOSE } from './http-body.ts'
import { type HopFields, readHopFields } from './http-fields.ts'
import type { HttpVersion, RequestHead, ResponseHead } from './http-head.ts'
import { parseHttpUri } from './http-uri.ts'
import { WireError } from './wire-error.ts'

/** A request to a proxy, and how it goes on to its target. */
export interface ForwardedRequest {
  readonly method: string
  readonly version: HttpVersion
  readonly address: Address
  readonly authority: string
  /** In origin-form, query included. */
  readonly path: string
  readonly body: BodyFraming
  /** No further request may follow on the client's connection: it said so, or speaks HTTP/1.0. */
  readonly close: boolean
  /** The other protocol that is asked for; its names are passed on. */
  readonly upgrade: string | undefined
  /** The value of Proxy-Authorization. */
  readonly credentials: string | undefined
  /** Of OPTIONS and TRACE: how often it may be passed on still, this time included. */
  readonly maxForwards: number | undefined
  /** Our own name is in Via already. */
  readonly looped: boolean
  /** The head for the target, one character a byte. */
  readonly head: string
}

/** A response of a target, and how it goes on to the client. */
export interface ForwardedResponse {
  readonly body: BodyFraming
  /** The target's connection cannot be used again. */
  readonly close: boolean
  /** The head for the client without its empty line, one character a byte. */
  readonly head: string
}

/**
 * What a proxy makes of a request head (RFC 9110 §7.6, RFC 9112 §3.2.2): absolute-form becomes origin-form, Host is that of
 * the target, hop-by-hop fields go, Via comes. One of HTTP/1.0 is passed on as HTTP/1.0, so that the answer is none that
 * its client could not read.
 *
 * @param via what this proxy calls itself in Via, in lower case: a token
 * @throws WireError what {@link requestFraming} and {@link parseHttpUri} throw; WIRE_VALUE for no Host in HTTP/1.1, for
 *   several of Host, Proxy-Authorization or Max-Forwards, and for a Connection or Max-Forwards that cannot be
 */
export function forwardRequest(
  { method, target, version, fields }: RequestHead,
  via: string,
): ForwardedRequest {
  const hop = readHopFields(version, fields, via)
  const body = requestFraming(hop)
  const { address, authority, path } = parseHttpUri(target, method)
  if (hop.hosts > 1 || (hop.hosts === 0 && version === '1.1'))
    throw new WireError('WIRE_VALUE', 'there must be exactly one Host field')
  if (hop.credentials.length > 1) throw new WireError('WIRE_VALUE', 'Proxy-Authorization is repeated')
  const maxForwards = method === 'OPTIONS' || method === 'TRACE' ? readMaxForwards(hop) : undefined
  const upgrade = version === '1.1' && body === 0 ? upgradeOf(hop) : undefined
  let head = `${method} ${path} HTTP/${version}\r\nHost: ${authority}\r\n${hop.lines}`
  if (maxForwards !== undefined) head += `Max-Forwards: ${Math.max(0, maxForwards - 1)}\r\n`
  else for (const value of hop.maxForwards) head += `Max-Forwards: ${value}\r\n`
  head += framingLines(hop, body)
  if (upgrade !== undefined) head += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`
  else if (version === '1.0') head += 'Connection: close\r\n'
  return {
    method,
    version,
    address,
    authority,
    path,
    body,
    close: version === '1.0' || hop.close,
    upgrade,
    credentials: hop.credentials[0],
    maxForwards,
    looped: hop.looped,
    head: `${head}Via: ${version} ${via}\r\n\r\n`,
  }
}

/**
 * The head for another proxy in place of the target: in absolute-form (RFC 9112 §3.2.2).
 * @param authorization the value of Proxy-Authorization that it wants, one character a byte
 */
export function proxiedHead(request: ForwardedRequest, authorization: string | undefined): string {
  const { method, authority, path, version, head } = request
  const login = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`
  const fields = head.slice(head.indexOf('\n') + 1)
  return `${method} http://${authority}${path === '*' ? '' : path} HTTP/${version}\r\n${login}${fields}`
}

/**
 * What a proxy makes of a response head to a request of that method.
 * @throws WireError as {@link requestFraming}; WIRE_VALUE for a Connection that cannot be, for a 101 without Upgrade, and for 1xx of HTTP/1.0
 */
export function forwardResponse(response: ResponseHead, method: string, via: string): ForwardedResponse {
  const { version, status, reason, fields } = response
  if (status < 200 && version === '1.0')
    throw new WireError('WIRE_VALUE', 'HTTP/1.0 has no interim responses')
  const hop = readHopFields(version, fields, via)
  const body = responseFraming(hop, method, status)
  let head = `HTTP/1.1 ${status} ${reason}\r\n${hop.lines}`
  if (status >= 200 && status !== 204)
    head += framingLines(hop, hop.lengths.length > 0 ? Number(hop.lengths[0]) : body)
  if (status === 101) {
    const upgrade = upgradeOf(hop)
    if (upgrade === undefined) throw new WireError('WIRE_VALUE', 'the response switches to no protocol')
    head += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`
  }
  return {
    body,
    close: hop.close || version === '1.0' || body === UNTIL_CLOSE,
    head: `${head}Via: ${version} ${via}\r\n`,
  }
}

/** The fields that frame a message anew. */
export function framingLines(hop: HopFields, body: BodyFraming): string {
  if (hop.lengths.length > 0) return `Content-Length: ${body}\r\n`
  return hop.codings.length > 0 || body === CHUNKED ? 'Transfer-Encoding: chunked\r\n' : ''
}

/** HTTP/2 over an upgrade is obsolete (RFC 9113 §3.1), and a known way around checks that follow the first request. */
export function upgradeOf({ upgrade, protocols }: HopFields): string | undefined {
  if (!upgrade || protocols.length === 0) return undefined
  const names = protocols.join(', ')
  return /(?:^|[\s,])h2c?(?:[\s,/]|$)/i.test(names) ? undefined : names
}

function readMaxForwards({ maxForwards }: HopFields): number | undefined {
  const [text] = maxForwards
  if (text === undefined) return undefined
  if (maxForwards.length > 1 || !/^\d{1,9}$/.test(text))
    throw new WireError('WIRE_VALUE', 'Max-Forwards is not one number')
  return Number(text)
}
