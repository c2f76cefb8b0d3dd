import type { FramingFields } from './http-body.ts'
import type { HttpField, HttpVersion } from './http-head.ts'
import { WireError } from './wire-error.ts'

/** What the fields of one message say to a proxy, and those that it passes on. */
export interface HopFields extends FramingFields {
  /** Fields to pass on, each with its CRLF: neither hop-by-hop ones nor Host, Content-Length and Transfer-Encoding. */
  lines: string
  readonly lengths: string[]
  readonly codings: string[]
  hosts: number
  /** The value of Host; '' where there is none. */
  host: string
  /** The values of Proxy-Authorization. */
  readonly credentials: string[]
  /** Connection says `close`, `keep-alive`, `upgrade`. */
  close: boolean
  keepAlive: boolean
  upgrade: boolean
  /** The values of Upgrade. */
  readonly protocols: string[]
  readonly maxForwards: string[]
  /** Via names us. */
  looped: boolean
}

const PASSED = 0
const DROPPED = 1
const HOST = 2
const CONTENT_LENGTH = 3
const TRANSFER_ENCODING = 4
const CONNECTION = 5
const UPGRADE = 6
const PROXY_AUTHORIZATION = 7
const MAX_FORWARDS = 8
const VIA = 9

const KINDS: ReadonlyMap<string, number> = new Map([
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['upgrade', UPGRADE],
  ['proxy-authorization', PROXY_AUTHORIZATION],
  ['max-forwards', MAX_FORWARDS],
  ['via', VIA],
  ['keep-alive', DROPPED],
  ['proxy-connection', DROPPED],
  ['proxy-authenticate', DROPPED],
  ['proxy-authentication-info', DROPPED],
  ['te', DROPPED],
])

/** What is for the other end, or frames the message: Connection may not have it removed (RFC 9110 §7.6.1). */
const KEPT: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'host',
  'location',
  'max-forwards',
  'set-cookie',
  'transfer-encoding',
  'via',
  'www-authenticate',
])

/** Words of Connection that name no field. */
const OPTIONS: ReadonlySet<string> = new Set(['close', 'keep-alive', 'upgrade'])

const NOTHING: ReadonlySet<string> = new Set()

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

/**
 * Reads the fields of a message once.
 * @param via what this proxy calls itself in Via, in lower case
 * @param without names, in lower case, of fields that are not passed on either
 * @throws WireError WIRE_VALUE for a Connection that is no list of names, or that names what it may not
 */
export function readHopFields(
  version: HttpVersion,
  fields: readonly HttpField[],
  via: string,
  without: ReadonlySet<string> = NOTHING,
): HopFields {
  const hop: HopFields = {
    version,
    lines: '',
    lengths: [],
    codings: [],
    hosts: 0,
    host: '',
    credentials: [],
    close: false,
    keepAlive: false,
    upgrade: false,
    protocols: [],
    maxForwards: [],
    looped: false,
  }
  const named: string[] = []
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    const kind = KINDS.get(lower) ?? PASSED
    if (kind === PASSED) hop.lines += without.has(lower) ? '' : `${name}: ${value}\r\n`
    else if (kind === CONNECTION) readConnection(hop, value, named)
    else if (kind !== DROPPED) note(hop, kind, name, value, via)
  }
  if (named.length > 0) hop.lines = withoutNamed(fields, [...named, ...without])
  return hop
}

/**
 * The fields of a message that are for its other end, for who frames it anew: neither hop-by-hop ones nor Host,
 * Content-Length and Transfer-Encoding. Order, spelling and repetitions are kept.
 * @throws WireError as {@link readHopFields}
 */
export function endToEndFields(fields: readonly HttpField[]): HttpField[] {
  const named: string[] = []
  for (const [name, value] of fields) {
    if (KINDS.get(name.toLowerCase()) !== CONNECTION) continue
    for (const part of value.toLowerCase().split(',')) {
      const option = part.trim()
      if (option !== '' && !OPTIONS.has(option)) named.push(checkNamed(option))
    }
  }
  return fields.filter(([name]) => {
    const lower = name.toLowerCase()
    const kind = KINDS.get(lower) ?? PASSED
    return (kind === PASSED || kind === VIA || kind === MAX_FORWARDS) && !named.includes(lower)
  })
}

/** Whether a Via field names us. @param via what this proxy calls itself, in lower case */
export function isLooped(fields: readonly HttpField[], via: string): boolean {
  return fields.some(([name, value]) => name.toLowerCase() === 'via' && namesUs(value, via))
}

function note(hop: HopFields, kind: number, name: string, value: string, via: string): void {
  if (kind === HOST) noteHost(hop, value)
  else if (kind === CONTENT_LENGTH) hop.lengths.push(value)
  else if (kind === TRANSFER_ENCODING) hop.codings.push(value)
  else if (kind === UPGRADE) hop.protocols.push(value)
  else if (kind === PROXY_AUTHORIZATION) hop.credentials.push(value)
  else if (kind === MAX_FORWARDS) hop.maxForwards.push(value)
  else {
    hop.lines += `${name}: ${value}\r\n`
    hop.looped ||= namesUs(value, via)
  }
}

function noteHost(hop: HopFields, value: string): void {
  hop.hosts += 1
  hop.host = value
}

function readConnection(hop: HopFields, value: string, named: string[]): void {
  for (const part of value.toLowerCase().split(',')) {
    const name = part.trim()
    if (name === 'close') hop.close = true
    else if (name === 'keep-alive') hop.keepAlive = true
    else if (name === 'upgrade') hop.upgrade = true
    else if (name !== '') named.push(checkNamed(name))
  }
}

function checkNamed(name: string): string {
  if (!TOKEN.test(name)) throw new WireError('WIRE_VALUE', 'Connection is not a list of names')
  if (KEPT.has(name)) throw new WireError('WIRE_VALUE', `Connection may not name ${name}`)
  return name
}

/** Again, for the rare message whose Connection names more than the usual: it may come behind what it names. */
function withoutNamed(fields: readonly HttpField[], named: readonly string[]): string {
  let lines = ''
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    const kind = KINDS.get(lower) ?? PASSED
    if ((kind === PASSED || kind === VIA) && !named.includes(lower)) lines += `${name}: ${value}\r\n`
  }
  return lines
}

/** `1.1 name (comment), 1.0 other` */
function namesUs(value: string, via: string): boolean {
  const lower = value.toLowerCase()
  if (!lower.includes(via)) return false
  return lower.split(',').some((part) => part.trim().split(/[ \t]+/, 2)[1] === via)
}
