import type { Decode } from './decode.ts'
import { decodeLatin1 } from './latin1.ts'
import { WireError } from './wire-error.ts'

/** What a client says of itself before TLS begins. */
export interface ClientHello {
  /** In lower case, without root dot; undefined where it names none. */
  readonly serverName: string | undefined
}

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const HOST_NAME = 0
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
/** RFC 8446 §5.1. */
const MAX_RECORD = 16_384
/** One is usual; who has less than a record for each packet gets along with these. */
const MAX_RECORDS = 16
/** More than any client sends, post-quantum keys included. */
export const MAX_CLIENT_HELLO = 16_384
const NAME = /^[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*\.?$/
const MAX_NAME = 255

/**
 * The message with which TLS begins (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2), be it in one record or in several, for who has to know
 * its server name (RFC 6066 §3) and leave the rest to others. `size` is that of the records.
 * @throws WireError WIRE_SYNTAX where it is no TLS, or malformed; WIRE_TOO_LONG over 16 KiB
 */
export const decodeClientHello: Decode<ClientHello> = (bytes) => {
  const records = readRecords(bytes)
  return records && { value: { serverName: serverNameOf(records.message) }, size: records.size }
}

function readRecords(bytes: Uint8Array): { message: Uint8Array; size: number } | undefined {
  const parts: Uint8Array[] = []
  let at = 0
  for (let count = 1; count <= MAX_RECORDS; count += 1) {
    const size = recordSize(bytes, at)
    if (size === undefined) return undefined
    const start = at + RECORD_HEADER
    at = start + size
    parts.push(bytes.subarray(start, at))
    const message = wholeMessage(parts)
    if (bytes.length < at) return undefined
    if (message !== undefined) return { message, size: at }
  }
  throw new WireError('WIRE_TOO_LONG', `the ClientHello is in over ${MAX_RECORDS} records`)
}

/** Of the payload of the record that begins there. */
function recordSize(bytes: Uint8Array, at: number): number | undefined {
  const [type, major, , high, low] = bytes.subarray(at, at + RECORD_HEADER)
  if (type !== undefined && type !== HANDSHAKE) throw malformed('no handshake of TLS')
  if (major !== undefined && major !== 3) throw malformed('no TLS')
  if (high === undefined || low === undefined) return undefined
  const size = high * 256 + low
  if (size === 0 || size > MAX_RECORD) throw malformed('a record of no length that it may have')
  return size
}

/** All of the first message, once it is there. */
function wholeMessage(parts: readonly Uint8Array[]): Uint8Array | undefined {
  const bytes = parts.length === 1 ? parts[0]! : concat(parts)
  if (bytes.length > 0 && bytes[0] !== CLIENT_HELLO) throw malformed('the first message is no ClientHello')
  if (bytes.length < MESSAGE_HEADER) return undefined
  const size = bytes[1]! * 65_536 + bytes[2]! * 256 + bytes[3]!
  if (size > MAX_CLIENT_HELLO) throw new WireError('WIRE_TOO_LONG', 'the ClientHello is over 16 KiB')
  return bytes.length < MESSAGE_HEADER + size
    ? undefined
    : bytes.subarray(MESSAGE_HEADER, MESSAGE_HEADER + size)
}

function serverNameOf(message: Uint8Array): string | undefined {
  const body = new Cursor(message)
  body.take(2 + 32) // version, random
  body.list(1) // session
  body.list(2) // cipher suites
  body.list(1) // compression
  if (body.isEmpty) return undefined
  const extensions = new Cursor(body.list(2))
  let name: string | undefined
  const seen = new Set<number>()
  while (!extensions.isEmpty) {
    const type = extensions.number(2)
    const data = extensions.list(2)
    if (seen.has(type)) throw malformed('an extension is repeated')
    seen.add(type)
    if (type === SERVER_NAME) name = readServerName(data)
  }
  return name
}

function readServerName(data: Uint8Array): string | undefined {
  const names = new Cursor(new Cursor(data).list(2))
  let name: string | undefined
  while (!names.isEmpty) {
    const type = names.number(1)
    const text = names.list(2)
    if (type !== HOST_NAME) continue
    if (name !== undefined) throw malformed('a server name is repeated')
    name = decodeLatin1(text)
    if (name.length > MAX_NAME || !NAME.test(name)) throw malformed('the server name is no name')
  }
  return name?.toLowerCase().replace(/\.$/, '')
}

/** Reads fields off the front. */
class Cursor {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isEmpty(): boolean {
    return this.#at === this.#bytes.length
  }

  take(size: number): Uint8Array {
    if (this.#at + size > this.#bytes.length) throw malformed('the ClientHello is cut short')
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  number(size: number): number {
    return this.take(size).reduce((value, byte) => value * 256 + byte, 0)
  }

  /** One whose length, in bytes, stands in front as a number of that size. */
  list(lengthSize: number): Uint8Array {
    return this.take(this.number(lengthSize))
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const malformed = (why: string): WireError => new WireError('WIRE_SYNTAX', why)
