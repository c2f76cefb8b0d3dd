import { parseHost } from './address.ts'
import { type BodyFraming, requestFraming } from './http-body.ts'
import { type HopFields, readHopFields } from './http-fields.ts'
import { framingLines, upgradeOf } from './http-forward.ts'
import type { HttpField, HttpVersion, RequestHead } from './http-head.ts'
import { parseHttpUri } from './http-uri.ts'
import { WireError } from './wire-error.ts'

/** What is different in the head that a target gets. */
export interface HeadEdits {
  /** The value of Host. */
  readonly host: string
  /** Fields in place of all of that name; see {@link isSettableField}. */
  readonly set: readonly HttpField[]
  /** Fields that go behind all others, in place of {@link ORIGIN_FIELDS}. */
  readonly origin: readonly HttpField[]
  /** Names, in lower case, of fields that are not passed on. */
  readonly without?: readonly string[]
}

/** Who a request is from is for the one to say who has the visitor's connection: whatever else says so is not passed on. */
const ORIGIN_FIELDS: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-real-ip',
])

/** What frames a message, or is for one hop alone. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^(?![\t ])[\t -~\u0080-\u00ff]*(?<![\t ])$/
const PORT = /^:(?:[1-9]\d{0,4})?$/

/** Whether `HeadEdits.set` may hold this field: one that can be read back, and neither frames nor routes. */
export function isSettableField(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value) && !FRAMING.has(name.toLowerCase())
}

/** A request to whoever serves the host that it names, and how it goes on to a target. */
export class HostRequest {
  readonly method: string
  readonly version: HttpVersion
  /** In lower case, without port and root dot; an IP literal in its canonical spelling, without brackets; '' for none. */
  readonly host: string
  /** The host as it was named, port included. */
  readonly authority: string
  /** In origin-form, query included, or `*`. */
  readonly path: string
  readonly body: BodyFraming
  /** No further request may follow on the connection: it said so, or speaks HTTP/1.0. */
  readonly close: boolean
  /** The other protocol that is asked for; its names are passed on. */
  readonly upgrade: string | undefined
  /** Our own name is in Via already. */
  readonly looped: boolean
  readonly fields: readonly HttpField[]
  readonly #via: string
  readonly #hop: HopFields

  /** See {@link readHostRequest}. */
  constructor({ method, target, version, fields }: RequestHead, via: string) {
    const hop = readHopFields(version, fields, via, ORIGIN_FIELDS)
    const body = requestFraming(hop)
    if (hop.hosts > 1 || (hop.hosts === 0 && version === '1.1'))
      throw new WireError('WIRE_VALUE', 'there must be exactly one Host field')
    const { authority, path } = readTarget(target, method, hop.host)
    this.method = method
    this.version = version
    this.authority = authority
    this.host = hostOf(authority)
    this.path = path
    this.body = body
    this.close = version === '1.0' || hop.close
    this.upgrade = version === '1.1' && body === 0 ? upgradeOf(hop) : undefined
    this.looped = hop.looped
    this.fields = fields
    this.#via = via
    this.#hop = hop
  }

  /** The head for a target, one character a byte. */
  headWith({ host, set, origin, without = [] }: HeadEdits): string {
    const { method, path, version, upgrade, body } = this
    let head = `${method} ${path} HTTP/${version}\r\n`
    // HTTP/1.0 knows no Host, and may name none.
    if (host !== '' || version === '1.1') head += `Host: ${host}\r\n`
    head += this.#lines(set, without)
    for (const value of this.#hop.maxForwards) head += `Max-Forwards: ${value}\r\n`
    for (const [name, value] of set) head += `${name}: ${value}\r\n`
    for (const [name, value] of origin) head += `${name}: ${value}\r\n`
    head += framingLines(this.#hop, body)
    if (upgrade !== undefined) head += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`
    else if (version === '1.0') head += 'Connection: close\r\n'
    return `${head}Via: ${version} ${this.#via}\r\n\r\n`
  }

  /** Read again only where fields are to be left out that most requests keep. */
  #lines(set: readonly HttpField[], without: readonly string[]): string {
    if (set.length + without.length === 0) return this.#hop.lines
    const names = new Set([...ORIGIN_FIELDS, ...without, ...set.map(([name]) => name.toLowerCase())])
    return readHopFields(this.version, this.fields, this.#via, names).lines
  }
}

/**
 * Takes a request apart as the server does that it was sent to (RFC 9112 §3.2): origin-form with Host, absolute-form, which
 * then says what the host is, or `*` for OPTIONS.
 *
 * @param via what this server calls itself in Via, in lower case: a token
 * @throws WireError what `requestFraming` throws; WIRE_VALUE for no Host in HTTP/1.1, for several, and for a Connection that
 *   cannot be; WIRE_FORM for another form; WIRE_ADDRESS for a host that cannot be one, and a path with a fragment
 */
export function readHostRequest(head: RequestHead, via: string): HostRequest {
  return new HostRequest(head, via)
}

function readTarget(target: string, method: string, host: string): { authority: string; path: string } {
  if (target.startsWith('/')) {
    if (target.includes('#')) throw new WireError('WIRE_ADDRESS', 'a request target has no fragment')
    return { authority: host, path: target }
  }
  if (target === '*' && method === 'OPTIONS') return { authority: host, path: target }
  // What is asked for by https comes to where https is spoken; the scheme says nothing that is not known.
  return parseHttpUri(target.replace(/^https:/i, 'http:'), method)
}

function hostOf(authority: string): string {
  if (authority === '') return ''
  const end = authority.startsWith('[') ? authority.indexOf(']') + 1 : authority.indexOf(':')
  const text = end < 0 ? authority : authority.slice(0, end)
  const port = authority.slice(text.length)
  if (port !== '' && (!PORT.test(port) || Number(port.slice(1)) > 0xffff))
    throw new WireError('WIRE_ADDRESS', 'no port from 1 to 65535')
  const isBracketed = text.startsWith('[')
  const host = parseHost(isBracketed ? text.slice(1, -1) : text.replace(/\.$/, '')).toLowerCase()
  if (isBracketed !== host.includes(':'))
    throw new WireError('WIRE_ADDRESS', 'IPv6, and nothing else, stands in brackets')
  return host
}
