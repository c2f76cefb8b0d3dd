import type { Decode } from './decode.ts'
import {
  headTexts,
  type HttpField,
  type HttpScan,
  MAX_FIELDS,
  MAX_HEAD_BYTES,
  MAX_START_LINE_BYTES,
  scanHead,
  startRequest,
  startResponse,
} from './http-scan.ts'
import { encodeLatin1 } from './latin1.ts'
import { WireError } from './wire-error.ts'

export type { HttpField } from './http-scan.ts'

export type HttpVersion = '1.0' | '1.1'

/** All before the body. Fields keep their order, spelling and repetitions. */
export interface RequestHead {
  readonly method: string
  readonly target: string
  readonly version: HttpVersion
  readonly fields: readonly HttpField[]
}

/** `status` is 100 to 999; `reason` may be empty. */
export interface ResponseHead {
  readonly version: HttpVersion
  readonly status: number
  readonly reason: string
  readonly fields: readonly HttpField[]
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const TARGET = /^[!-~]+$/
const TEXT = /^[\t -~\u0080-\u00ff]*$/
/** Text without blanks around it, which a reader would take away. */
const VALUE = /^(?![\t ])[\t -~\u0080-\u00ff]*(?<![\t ])$/

/**
 * An HTTP/1.x request head (RFC 9112 §3, §5), strictly: CRLF only, no bare CR or LF, no NUL, no folded lines, no blank
 * before a colon, no empty line in front. At most 16 KiB, 8 KiB of them request line, and 100 fields.
 *
 * Each call reads `bytes` from the start: where they drip in, {@link createRequestHeadDecoder} does not.
 *
 * @throws WireError WIRE_SYNTAX, WIRE_VERSION, WIRE_TOO_LONG, at the first wrong byte
 */
export const decodeRequestHead: Decode<RequestHead> = (bytes) => createRequestHeadDecoder()(bytes)

/**
 * {@link decodeRequestHead} for one connection: it remembers how far it read, so a head that comes byte by byte costs no
 * more than one that comes whole. Each call must be given the bytes of the one before, and more; after a value it starts anew.
 */
export function createRequestHeadDecoder(): Decode<RequestHead> {
  return createDecoder(startRequest, ({ startLine: [method, target, version], fields }) => ({
    method: method!,
    target: target!,
    version: version === '1.0' ? '1.0' : '1.1',
    fields,
  }))
}

/** An HTTP/1.x response head (RFC 9112 §4), as strict as requests are. @throws WireError WIRE_SYNTAX, WIRE_VERSION, WIRE_TOO_LONG */
export const decodeResponseHead: Decode<ResponseHead> = (bytes) => createResponseHeadDecoder()(bytes)

/** As {@link createRequestHeadDecoder}, for responses. */
export function createResponseHeadDecoder(): Decode<ResponseHead> {
  return createDecoder(startResponse, ({ startLine: [version, status, reason], fields }) => ({
    version: version === '1.0' ? '1.0' : '1.1',
    status: Number(status),
    reason: reason!,
    fields,
  }))
}

/** The values of all fields of that name, in their order; names match in any case. */
export function fieldValues(head: { readonly fields: readonly HttpField[] }, name: string): string[] {
  const wanted = name.toLowerCase()
  return head.fields.filter(([field]) => field.toLowerCase() === wanted).map(([, value]) => value)
}

/** @throws WireError WIRE_SYNTAX for what would not be read back (CR and LF above all), WIRE_TOO_LONG */
export function encodeRequestHead({ method, target, version, fields }: RequestHead): Uint8Array {
  check(TOKEN, method, 'method')
  check(TARGET, target, 'target')
  return encodeHead(`${method} ${target} HTTP/${version}`, fields)
}

/** `version` is 1.1 unless given, `reason` empty. @throws WireError WIRE_SYNTAX, WIRE_VALUE, WIRE_TOO_LONG */
export function encodeResponseHead(
  head: Pick<ResponseHead, 'status' | 'fields'> & Partial<ResponseHead>,
): Uint8Array {
  const { version = '1.1', status, reason = '', fields } = head
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new WireError('WIRE_VALUE', `status ${status} is not from 100 to 999`)
  }
  check(TEXT, reason, 'reason')
  return encodeHead(`HTTP/${version} ${status} ${reason}`, fields)
}

function createDecoder<T>(
  start: () => HttpScan,
  finish: (texts: ReturnType<typeof headTexts>) => T,
): Decode<T> {
  let scan = start()
  return (bytes) => {
    if (!scanHead(scan, bytes)) return undefined
    const { at: size } = scan
    const value = finish(headTexts(scan, bytes))
    scan = start()
    return { value, size }
  }
}

function encodeHead(startLine: string, fields: readonly HttpField[]): Uint8Array {
  if (fields.length > MAX_FIELDS) throw new WireError('WIRE_TOO_LONG', `over ${MAX_FIELDS} fields`)
  let text = `${startLine}\r\n`
  if (text.length > MAX_START_LINE_BYTES) throw new WireError('WIRE_TOO_LONG', 'the first line is over 8 KiB')
  for (const [name, value] of fields) {
    check(TOKEN, name, 'field name')
    check(VALUE, value, `value of ${name}`)
    text += `${name}: ${value}\r\n`
  }
  text += '\r\n'
  if (text.length > MAX_HEAD_BYTES) throw new WireError('WIRE_TOO_LONG', 'the head is over 16 KiB')
  return encodeLatin1(text)
}

function check(pattern: RegExp, text: string, what: string): void {
  if (!pattern.test(text))
    throw new WireError('WIRE_SYNTAX', `the ${what} holds a character that it may not hold`)
}
