import { type Address, formatAddress, parseHost } from './address.ts'
import { WireError } from './wire-error.ts'

/** The target of a request to a proxy, taken apart. */
export interface HttpUri {
  readonly address: Address
  /** For Host: as the URI has it, an IP literal in its one canonical spelling. */
  readonly authority: string
  /** In origin-form (RFC 9112 §3.2.1), or `*`. */
  readonly path: string
}

const HTTP = /^http:\/\//i
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i
const PREFIX = 'http://'.length
const PORT = /^[1-9]\d{0,4}$/

/**
 * Reads absolute-form (RFC 9112 §3.2.2): `http://host[:port][/path][?query]`. The path stays as it is; an empty one is `/`,
 * or `*` for OPTIONS.
 *
 * @throws WireError
 *   WIRE_FORM for another form, WIRE_SCHEME for another scheme;
 *   WIRE_ADDRESS for userinfo, a fragment, or a host or port that cannot be one
 */
export function parseHttpUri(target: string, method: string): HttpUri {
  if (!HTTP.test(target)) {
    if (SCHEME.test(target)) throw new WireError('WIRE_SCHEME', 'the scheme is not http')
    throw new WireError('WIRE_FORM', 'the target is not http://host/path')
  }
  if (target.includes('#')) throw new WireError('WIRE_ADDRESS', 'a request target has no fragment')
  const end = authorityEnd(target)
  const { address, authority } = parseAuthority(target.slice(PREFIX, end))
  const rest = target.slice(end)
  if (rest === '') return { address, authority, path: method === 'OPTIONS' ? '*' : '/' }
  return { address, authority, path: rest.startsWith('?') ? `/${rest}` : rest }
}

function authorityEnd(target: string): number {
  const slash = target.indexOf('/', PREFIX)
  const query = target.indexOf('?', PREFIX)
  if (query >= 0 && (slash < 0 || query < slash)) return query
  return slash < 0 ? target.length : slash
}

function parseAuthority(text: string): { address: Address; authority: string } {
  // Without the text: it may hold a password.
  if (text.includes('@')) throw new WireError('WIRE_ADDRESS', 'a request target has no user name')
  const bracket = text.indexOf(']')
  const isBracketed = text.startsWith('[')
  const colon = text.indexOf(':', isBracketed ? bracket : 0)
  const hostEnd = colon < 0 ? text.length : colon
  if (isBracketed && bracket !== hostEnd - 1) throw new WireError('WIRE_ADDRESS', 'the bracket is not closed')
  const host = parseHost(isBracketed ? text.slice(1, bracket) : text.slice(0, hostEnd))
  if (isBracketed !== host.includes(':'))
    throw new WireError('WIRE_ADDRESS', 'IPv6, and nothing else, stands in brackets')
  const portText = text.slice(hostEnd + 1)
  if (portText === '') return { address: { host, port: 80 }, authority: isBracketed ? `[${host}]` : host }
  const port = PORT.test(portText) ? Number(portText) : Infinity
  if (port > 0xffff) throw new WireError('WIRE_ADDRESS', 'no port from 1 to 65535')
  const address = { host, port }
  return { address, authority: formatAddress(address) }
}
