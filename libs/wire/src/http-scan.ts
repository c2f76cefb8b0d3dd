import { decodeLatin1 } from './latin1.ts'
import { WireError } from './wire-error.ts'

// The state machine under the HTTP head codecs. A step takes one byte and names the step for the next one, so a wrong byte
// is refused when it comes, and a scan that ran out of bytes goes on where it stopped.

export const MAX_HEAD_BYTES: number = 16 * 1024
export const MAX_START_LINE_BYTES: number = 8 * 1024
export const MAX_FIELDS = 100

/** Name as it came, value without the blanks around it, both one character a byte. */
export type HttpField = readonly [name: string, value: string]

type Step = (scan: HttpScan, byte: number, bytes: Uint8Array) => Step

/**
 * How far a head was read: `at` is the next byte, `start` the first one of the part that `step` reads. The parts are kept
 * as offsets of their first byte and the one behind them, since a head becomes a text much cheaper at once than in parts.
 */
export interface HttpScan {
  at: number
  start: number
  step: Step
  limit: number
  /** Three parts. */
  readonly startLine: number[]
  /** Name and value by turns. */
  readonly fields: number[]
}

export function startRequest(): HttpScan {
  return { at: 0, start: 0, step: method, limit: MAX_START_LINE_BYTES, startLine: [], fields: [] }
}

export function startResponse(): HttpScan {
  return { ...startRequest(), step: responseVersion }
}

/** The texts of a head that was read to its end, from the bytes that it was read from. */
export function headTexts(
  { at, startLine, fields }: HttpScan,
  bytes: Uint8Array,
): { startLine: string[]; fields: HttpField[] } {
  const text = decodeLatin1(bytes, 0, at)
  const pairs: HttpField[] = []
  for (let i = 0; i < fields.length; i += 4) {
    pairs.push([text.slice(fields[i], fields[i + 1]), text.slice(fields[i + 2], fields[i + 3])])
  }
  return { startLine: [0, 2, 4].map((i) => text.slice(startLine[i], startLine[i + 1])), fields: pairs }
}

/**
 * Goes on from `scan.at`; the bytes before it must be those of the earlier call.
 * @returns whether the head ends at `scan.at`
 * @throws WireError WIRE_SYNTAX, WIRE_VERSION, WIRE_TOO_LONG
 */
export function scanHead(scan: HttpScan, bytes: Uint8Array): boolean {
  while (scan.at < bytes.length) {
    if (scan.at === scan.limit) throw new WireError('WIRE_TOO_LONG', `no end within ${scan.limit} bytes`)
    scan.step = scan.step(scan, bytes[scan.at]!, bytes)
    scan.at += 1
    if (scan.step === done) return true
  }
  return false
}

const HTAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SP = 0x20
const COLON = 0x3a
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const VERSION_PREFIX = 'HTTP/1.'

/** Place = byte, 1 = allowed. */
type ByteClass = Uint8Array

function byteClass(pattern: RegExp): ByteClass {
  return Uint8Array.from({ length: 256 }, (_, byte) => (pattern.test(String.fromCharCode(byte)) ? 1 : 0))
}

const TOKEN: ByteClass = byteClass(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/)
const VISIBLE: ByteClass = byteClass(/[!-~]/)
/** RFC 9110 §5.5: visible, obs-text and blanks. Not NUL, bare CR or bare LF: other parsers end lines there. */
const TEXT: ByteClass = byteClass(/[\t -~\u0080-\u00ff]/)

const method: Step = (scan, byte, bytes) => {
  if (TOKEN[byte]) return pass(scan, bytes, TOKEN, method)
  if (byte !== SP || scan.at === 0) throw unexpected(scan, byte, 'the method')
  return endPart(scan, target)
}

const target: Step = (scan, byte, bytes) => {
  if (VISIBLE[byte]) return pass(scan, bytes, VISIBLE, target)
  if (byte !== SP || scan.at === scan.start) throw unexpected(scan, byte, 'the target')
  return endPart(scan, requestVersion)
}

/** `HTTP/1.0` or `HTTP/1.1`, then `end`. */
function version(end: number, next: Step): Step {
  const step: Step = (scan, byte) => {
    const index = scan.at - scan.start
    if (index === 8) {
      if (byte !== end) throw unexpected(scan, byte, 'the version')
      scan.start += 'HTTP/'.length
      return endPart(scan, next)
    }
    const isRight =
      index === 7 ? byte === DIGIT_0 || byte === DIGIT_0 + 1 : byte === VERSION_PREFIX.charCodeAt(index)
    if (isRight) return step
    if (index < 5) throw unexpected(scan, byte, 'the version')
    throw new WireError('WIRE_VERSION', 'only HTTP/1.0 and HTTP/1.1 are spoken here')
  }
  return step
}

const status: Step = (scan, byte) => {
  const index = scan.at - scan.start
  if (index < 3) {
    if (byte < DIGIT_0 + (index === 0 ? 1 : 0) || byte > DIGIT_9) throw unexpected(scan, byte, 'the status')
    return status
  }
  if (byte === SP) return endPart(scan, reason)
  // RFC 9112 §4 wants a blank here even when there is no reason; many servers leave it out.
  if (byte !== CR) throw unexpected(scan, byte, 'the status')
  endPart(scan, reason)
  return endPart(scan, lineEnd)
}

const reason: Step = (scan, byte, bytes) => {
  if (TEXT[byte]) return pass(scan, bytes, TEXT, reason)
  if (byte !== CR) throw unexpected(scan, byte, 'the reason')
  return endPart(scan, lineEnd)
}

const lineEnd: Step = (scan, byte) => {
  if (byte !== LF) throw unexpected(scan, byte, 'a line')
  scan.start = scan.at + 1
  scan.limit = MAX_HEAD_BYTES
  return fieldOrEnd
}

const fieldOrEnd: Step = (scan, byte, bytes) => {
  if (byte === CR) return headEnd
  if (scan.fields.length === 4 * MAX_FIELDS) throw new WireError('WIRE_TOO_LONG', `over ${MAX_FIELDS} fields`)
  return fieldName(scan, byte, bytes)
}

// A blank is no token character, so "Name : value" and a folded line (RFC 9112 §5.1, §5.2) end here too.
const fieldName: Step = (scan, byte, bytes) => {
  if (TOKEN[byte]) return pass(scan, bytes, TOKEN, fieldName)
  if (byte !== COLON || scan.at === scan.start) throw unexpected(scan, byte, 'a field name')
  scan.fields.push(scan.start, scan.at)
  scan.start = scan.at + 1
  return fieldValue
}

const fieldValue: Step = (scan, byte, bytes) => {
  if (TEXT[byte]) return pass(scan, bytes, TEXT, fieldValue)
  if (byte !== CR) throw unexpected(scan, byte, 'a field value')
  pushTrimmed(scan, bytes)
  return lineEnd
}

const headEnd: Step = (scan, byte) => {
  if (byte !== LF) throw unexpected(scan, byte, 'the head')
  return done
}

const done: Step = () => done

const requestVersion: Step = version(CR, lineEnd)
const responseVersion: Step = version(SP, status)

/** Goes over what follows of the same class at once: most bytes of a head need no step of their own. */
function pass(scan: HttpScan, bytes: Uint8Array, allowed: ByteClass, step: Step): Step {
  const end = Math.min(bytes.length, scan.limit) - 1
  let at = scan.at
  while (at < end && allowed[bytes[at + 1]!] === 1) at++
  scan.at = at
  return step
}

function endPart(scan: HttpScan, next: Step): Step {
  scan.startLine.push(scan.start, Math.max(scan.start, scan.at))
  scan.start = scan.at + 1
  return next
}

// Not a regular expression: /[ \t]+$/ takes quadratic time on a value full of blanks.
function pushTrimmed(scan: HttpScan, bytes: Uint8Array): void {
  let { start, at: end } = scan
  let isTabbed = false
  while (end > start && isBlank(bytes[end - 1]!)) isTabbed = bytes[--end] === HTAB || isTabbed
  if (isTabbed) refuseTabbed(scan, bytes)
  while (start < end && isBlank(bytes[start]!)) start++
  scan.fields.push(start, end)
}

/** llhttp takes `chunked` with a tab behind it for another coding, and a length like that for none. */
function refuseTabbed(scan: HttpScan, bytes: Uint8Array): void {
  const name = decodeLatin1(bytes, scan.fields.at(-2), scan.fields.at(-1)).toLowerCase()
  if (name === 'transfer-encoding' || name === 'content-length')
    throw new WireError('WIRE_SYNTAX', `${name} ends in a tab`)
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB
}

function unexpected(scan: HttpScan, byte: number, where: string): WireError {
  const hex = byte.toString(16).padStart(2, '0')
  return new WireError('WIRE_SYNTAX', `byte 0x${hex} at offset ${scan.at} is not allowed in ${where}`)
}
