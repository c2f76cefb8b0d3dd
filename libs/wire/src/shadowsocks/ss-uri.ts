import { type Address, formatAddress, parseAddress } from '../address.ts'
import { WireError } from '../wire-error.ts'

/** A server as a client is told of it. */
export interface SsServer {
  /** As it was written: a client may know methods that we do not. */
  readonly method: string
  /** Of a password's method the password; of 2022 the keys in Base64, joined by colons where there are several. */
  readonly secret: string
  readonly address: Address
  /** What people call it. */
  readonly tag?: string
  readonly plugin?: SsPlugin
}

/** A program that stands between client and network (SIP003). */
export interface SsPlugin {
  readonly name: string
  /** `a=1;b;c=2`, in which `\` takes the meaning from `;`, `=` and itself; may be empty. */
  readonly options: string
}

const SCHEME = /^ss:\/\//i
const MAX_URI_LENGTH = 4096
/** With or without padding, in either alphabet. */
const BASE64 = /^[\w+/-]+={0,2}$/

/**
 * The URI of a server (SIP002): keys of 2022 methods stand in percent-encoding, all else in Base64.
 * @throws WireError WIRE_ADDRESS; WIRE_VALUE where a method has a colon or a plugin no name
 */
export function encodeSsUri({ method, secret, address, tag, plugin }: SsServer): string {
  if (method === '' || method.includes(':')) throw new WireError('WIRE_VALUE', 'this is no name of a method')
  // Held to the rules that a reader holds it to.
  const host = formatAddress(parseAddress(formatAddress(address)))
  const login = method.startsWith('2022-')
    ? `${percent(method)}:${percent(secret)}`
    : Buffer.from(`${method}:${secret}`).toString('base64url')
  const query = plugin === undefined ? '' : `/?plugin=${percent(pluginText(plugin))}`
  return `ss://${login}@${host}${query}${tag === undefined ? '' : `#${percent(tag)}`}`
}

/**
 * Reads a URI (SIP002), or the older form of which all but the tag is Base64. Of the query only `plugin` counts.
 * @throws WireError WIRE_SCHEME, WIRE_SYNTAX, WIRE_ADDRESS, WIRE_TOO_LONG; none says what stood there
 */
export function parseSsUri(text: string): SsServer {
  if (text.length > MAX_URI_LENGTH) throw new WireError('WIRE_TOO_LONG', `over ${MAX_URI_LENGTH} characters`)
  if (!SCHEME.test(text)) throw new WireError('WIRE_SCHEME', 'no ss: URI')
  const [main, tag] = cut(text.slice('ss://'.length), '#')
  const [path, query] = cut(main, '?')
  const server = serverOf(path)
  const plugin = pluginOf(query ?? '')
  return { ...server, ...(tag !== undefined && { tag: unescaped(tag) }), ...(plugin && { plugin }) }
}

function serverOf(text: string): Pick<SsServer, 'method' | 'secret' | 'address'> {
  const at = text.lastIndexOf('@')
  if (at >= 0) {
    const address = parseAddress(text.slice(at + 1).replace(/\/$/, ''))
    return { ...loginOf(unescaped(text.slice(0, at))), address }
  }
  const whole = fromBase64(text)
  const last = whole.lastIndexOf('@')
  if (last < 0) throw new WireError('WIRE_SYNTAX', 'no address')
  return { ...splitLogin(whole.slice(0, last)), address: parseAddress(whole.slice(last + 1)) }
}

/** Base64 has no colon, and a login has one. */
const loginOf = (text: string): Pick<SsServer, 'method' | 'secret'> =>
  splitLogin(text.includes(':') ? text : fromBase64(text))

function splitLogin(text: string): Pick<SsServer, 'method' | 'secret'> {
  const colon = text.indexOf(':')
  if (colon < 1) throw new WireError('WIRE_SYNTAX', 'no method and secret')
  return { method: text.slice(0, colon), secret: text.slice(colon + 1) }
}

function pluginOf(query: string): SsPlugin | undefined {
  const value = new URLSearchParams(query).get('plugin')
  if (value === null || value === '') return undefined
  const [name = ''] = /^(?:[^\\;]|\\.)+/s.exec(value) ?? []
  if (name === '') throw new WireError('WIRE_SYNTAX', 'a plugin without a name')
  return { name: name.replaceAll(/\\(.)/gs, '$1'), options: value.slice(name.length + 1) }
}

function pluginText({ name, options }: SsPlugin): string {
  if (name === '') throw new WireError('WIRE_VALUE', 'a plugin without a name')
  const escaped = name.replaceAll(/[\\;=]/g, String.raw`\$&`)
  return options === '' ? escaped : `${escaped};${options}`
}

/** What stands before the first `mark`, and behind it. */
function cut(text: string, mark: string): [before: string, behind: string | undefined] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function fromBase64(text: string): string {
  if (!BASE64.test(text)) throw new WireError('WIRE_SYNTAX', 'neither a login nor Base64')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'base64'))
  } catch {
    throw new WireError('WIRE_SYNTAX', 'the Base64 holds no text')
  }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new WireError('WIRE_SYNTAX', 'a broken percent-encoding')
  }
}

/** RFC 3986 §2.2: nothing is left that a URI or a shell's quotes could take for their own. */
const percent = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
