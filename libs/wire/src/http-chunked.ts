import { WireError } from './wire-error.ts'

/** Digits of a chunk size; more could not be a number of bytes. */
const MAX_SIZE_DIGITS = 16
export const MAX_CHUNK_EXTENSION_BYTES = 256
export const MAX_TRAILER_BYTES: number = 16 * 1024
export const MAX_TRAILERS = 100
/** Longer than any name in FORBIDDEN, which is all that is looked for. */
const KEPT_NAME_CHARS = 32

/** What must be known before the body comes, or is for the next hop alone: RFC 9110 §6.5.1. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

const SIZE = 0
const EXTENSION = 1
const EXTENSION_NAME = 2
const EXTENSION_VALUE = 3
const EXTENSION_TOKEN = 4
const EXTENSION_QUOTED = 5
const EXTENSION_END = 6
const SIZE_LF = 7
const DATA = 8
const DATA_CR = 9
const DATA_LF = 10
const TRAILER = 11
const TRAILER_NAME = 12
const TRAILER_VALUE = 13
const TRAILER_LF = 14
const LAST_LF = 15

const HTAB = 0x09
const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22
const COLON = 0x3a
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const BACKSLASH = 0x5c

const flags = (pattern: RegExp): Uint8Array =>
  Uint8Array.from({ length: 128 }, (_, byte) => (pattern.test(String.fromCharCode(byte)) ? 1 : 0))
const TOKEN: Uint8Array = flags(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/)
const isText = (byte: number): boolean => byte === HTAB || (byte >= 0x20 && byte !== 0x7f)

/**
 * Finds the end of a chunked body (RFC 9112 §7.1) in bytes that pass by, and refuses what two parsers could read in two
 * ways: anything but CRLF, sizes other than 1 to 16 hex digits, blanks around them, escapes in chunk extensions. Keeps no
 * bytes, so chunks may be lent, cut anywhere, and passed on as they are. All sizes together are at most 2^53 - 1, the
 * extensions of one chunk 256 bytes, the trailers 16 KiB and 100 fields; a trailer that frames, routes or authorizes is
 * refused, since whoever merges it into the head would be fooled.
 */
export class ChunkedScan {
  ended = false
  /** Told of each piece of data, in offsets of what is scanned. */
  onData: ((start: number, end: number) => void) | undefined = undefined
  /** Told of each trailer, without blanks around it. To be set before the first byte. */
  onTrailer: ((name: string, value: string) => void) | undefined = undefined
  #state = SIZE
  /** Of the size that is being read, then of its data that has not passed. */
  #left = 0
  #digits = 0
  #total = 0
  #extension = 0
  #trailers = 0
  #trailerBytes = 0
  #name = ''
  /** The trailer that is being read, where anybody wants to know it; one character a byte. */
  #line = ''

  /**
   * Goes on at `offset`, which must be behind what was scanned before.
   * @returns the offset behind the last byte that belongs to this body; `bytes.length` unless it has `ended`
   * @throws WireError WIRE_SYNTAX, WIRE_LENGTH, WIRE_TOO_LONG, WIRE_VALUE
   */
  scan(bytes: Uint8Array, offset: number): number {
    let at = offset
    while (at < bytes.length && !this.ended) {
      if (this.#state === DATA) {
        const size = Math.min(this.#left, bytes.length - at)
        this.onData?.(at, at + size)
        at += size
        this.#left -= size
        if (this.#left === 0) this.#state = DATA_CR
      } else {
        this.#state = this.#step(bytes[at]!)
        at += 1
      }
    }
    return at
  }

  #step(byte: number): number {
    const state = this.#state
    if (state === SIZE) return this.#size(byte)
    if (state < SIZE_LF) return this.#inExtension(byte)
    if (state >= TRAILER) return this.#inTrailers(byte)
    if (state === DATA_CR) return expected(byte, CR, DATA_LF)
    if (state === DATA_LF) return expected(byte, LF, SIZE)
    expected(byte, LF, DATA)
    return this.#sized()
  }

  #size(byte: number): number {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      if (this.#digits === MAX_SIZE_DIGITS) throw new WireError('WIRE_LENGTH', 'a chunk size is too large')
      this.#digits += 1
      this.#left = this.#left * 16 + digit
      return SIZE
    }
    if (this.#digits === 0) throw unexpected(byte)
    if (byte === CR) return SIZE_LF
    if (byte === SEMICOLON) return EXTENSION
    throw unexpected(byte)
  }

  #sized(): number {
    this.#total += this.#left
    if (this.#total > Number.MAX_SAFE_INTEGER) throw new WireError('WIRE_LENGTH', 'the chunks are too large')
    this.#digits = 0
    this.#extension = 0
    return this.#left === 0 ? TRAILER : DATA
  }

  /** `;name`, `;name=token` or `;name="text"`, without blanks and escapes. */
  #inExtension(byte: number): number {
    this.#extension += 1
    if (this.#extension > MAX_CHUNK_EXTENSION_BYTES)
      throw new WireError('WIRE_TOO_LONG', `chunk extensions are over ${MAX_CHUNK_EXTENSION_BYTES} bytes`)
    const state = this.#state
    if (state === EXTENSION_QUOTED) {
      if (byte === QUOTE) return EXTENSION_END
      if (isText(byte) && byte < 0x80 && byte !== BACKSLASH) return EXTENSION_QUOTED
      throw unexpected(byte)
    }
    if (state !== EXTENSION_END && TOKEN[byte] === 1)
      return state === EXTENSION || state === EXTENSION_NAME ? EXTENSION_NAME : EXTENSION_TOKEN
    if (state === EXTENSION_NAME && byte === EQUALS) return EXTENSION_VALUE
    if (state === EXTENSION_VALUE && byte === QUOTE) return EXTENSION_QUOTED
    if (state === EXTENSION || state === EXTENSION_VALUE) throw unexpected(byte)
    if (byte === SEMICOLON) return EXTENSION
    return expected(byte, CR, SIZE_LF)
  }

  #inTrailers(byte: number): number {
    this.#trailerBytes += 1
    if (this.#trailerBytes > MAX_TRAILER_BYTES)
      throw new WireError('WIRE_TOO_LONG', `the trailers are over ${MAX_TRAILER_BYTES / 1024} KiB`)
    switch (this.#state) {
      case TRAILER:
        return this.#trailer(byte)
      case TRAILER_NAME:
        return byte === COLON ? this.#named() : this.#inName(byte)
      case TRAILER_VALUE:
        if (isText(byte)) return this.#inValue(byte)
        return expected(byte, CR, TRAILER_LF)
      case TRAILER_LF:
        return this.#told(expected(byte, LF, TRAILER))
      default:
        expected(byte, LF, LAST_LF)
        this.ended = true
        return LAST_LF
    }
  }

  #trailer(byte: number): number {
    if (byte === CR) return LAST_LF
    this.#trailers += 1
    if (this.#trailers > MAX_TRAILERS) throw new WireError('WIRE_TOO_LONG', `over ${MAX_TRAILERS} trailers`)
    this.#name = ''
    return this.#inName(byte)
  }

  #inName(byte: number): number {
    if (TOKEN[byte] !== 1) throw unexpected(byte)
    if (this.#name.length < KEPT_NAME_CHARS) this.#name += String.fromCharCode(byte)
    if (this.onTrailer !== undefined) this.#line += String.fromCharCode(byte)
    return TRAILER_NAME
  }

  #inValue(byte: number): number {
    if (this.onTrailer !== undefined) this.#line += String.fromCharCode(byte)
    return TRAILER_VALUE
  }

  #named(): number {
    if (FORBIDDEN.has(this.#name.toLowerCase()))
      throw new WireError('WIRE_VALUE', `${this.#name} may not be a trailer`)
    if (this.onTrailer !== undefined) this.#line += ':'
    return TRAILER_VALUE
  }

  #told(next: number): number {
    const colon = this.#line.indexOf(':')
    this.onTrailer?.(this.#line.slice(0, colon), this.#line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, ''))
    this.#line = ''
    return next
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function expected(byte: number, wanted: number, next: number): number {
  if (byte !== wanted) throw unexpected(byte)
  return next
}

function unexpected(byte: number): WireError {
  const hex = byte.toString(16).padStart(2, '0')
  return new WireError('WIRE_SYNTAX', `byte 0x${hex} is not allowed there in a chunked body`)
}
