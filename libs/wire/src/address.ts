import { formatIp, parseIp } from './ip.ts'
import { WireError } from './wire-error.ts'

/** Where to connect: `host` is dotted IPv4, IPv6 text without brackets (RFC 5952), or a name; `port` is 0 to 65535. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What SOCKS can carry (one length byte), and more than DNS allows. */
const MAX_HOST_LENGTH = 255

// RFC 3986 §3.2.2 reg-name without percent-encoding. A NUL ends a name early in C resolvers, blanks and controls forge log
// lines, bytes above 0x7e have no agreed encoding (IDNs travel as xn--), and `:/@[]%?#\` make "host:port" ambiguous.
const NAME = /^[!$&'()*+,\-.0-9;=A-Z_a-z~]+$/
const PORT = /^(?:0|[1-9]\d{0,4})$/

/**
 * A host in its one canonical spelling: an IP literal is reformatted, a name is kept as it is.
 * `2130706433` and `0x7f.1` are names, although some resolvers read them as addresses: check what a name resolves to.
 *
 * @throws WireError WIRE_ADDRESS
 */
export function parseHost(text: string): string {
  if (text.length === 0 || text.length > MAX_HOST_LENGTH) {
    throw new WireError('WIRE_ADDRESS', `the host does not have 1 to ${MAX_HOST_LENGTH} bytes`)
  }
  const ip = parseIp(text)
  if (ip !== undefined) return formatIp(ip)
  if (!NAME.test(text)) throw new WireError('WIRE_ADDRESS', 'the host is neither a name nor an IP address')
  return text
}

/**
 * Reads `host:port` or `[IPv6]:port`. The port is required, decimal, without leading zeros.
 *
 * @throws WireError WIRE_ADDRESS
 */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':')
  const portText = text.slice(colon + 1)
  if (colon < 0 || !PORT.test(portText) || Number(portText) > 0xffff) {
    // Without the text, here and below: it may be a URL with a password in it.
    throw new WireError('WIRE_ADDRESS', 'no port from 0 to 65535; wanted is host:port or [IPv6]:port')
  }
  const hostText = text.slice(0, colon)
  const isBracketed = hostText.startsWith('[') && hostText.endsWith(']')
  const host = parseHost(isBracketed ? hostText.slice(1, -1) : hostText)
  if (isBracketed !== host.includes(':')) {
    throw new WireError('WIRE_ADDRESS', 'IPv6, and nothing else, stands in brackets')
  }
  return { host, port: Number(portText) }
}

/** `host:port`, or `[host]:port` for IPv6. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
