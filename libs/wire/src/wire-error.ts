/**
 * Every way in which bytes or a text can be wrong. The names are stable: logs, metrics and documents rely on them.
 *
 * - `WIRE_VERSION` another protocol or protocol version than the one asked for
 * - `WIRE_ADDRESS_TYPE` a SOCKS address type other than 1, 3 and 4
 * - `WIRE_ADDRESS` a host or a port that cannot be one
 * - `WIRE_SYNTAX` a byte that cannot stand where it stands
 * - `WIRE_VALUE` well formed, but not among the values allowed here
 * - `WIRE_FORM` a request target in a form that is not for a proxy
 * - `WIRE_SCHEME` a URI scheme other than http
 * - `WIRE_ENCODING` a transfer coding other than chunked
 * - `WIRE_LENGTH` a length that contradicts what it measures, or a body where none may be
 * - `WIRE_TOO_LONG` longer than the documented maximum
 * - `WIRE_CHECKSUM` the checksum differs from the bytes it covers
 * - `WIRE_KEY` a key that is not written as its method wants it, or not of its length
 * - `WIRE_SEAL` what was sealed under another key, or changed on its way
 * - `WIRE_CLOCK` what was sealed too long ago, or by a clock that differs too much
 */
export const WIRE_ERROR_CODES = [
  'WIRE_VERSION',
  'WIRE_ADDRESS_TYPE',
  'WIRE_ADDRESS',
  'WIRE_SYNTAX',
  'WIRE_VALUE',
  'WIRE_FORM',
  'WIRE_SCHEME',
  'WIRE_ENCODING',
  'WIRE_LENGTH',
  'WIRE_TOO_LONG',
  'WIRE_CHECKSUM',
  'WIRE_KEY',
  'WIRE_SEAL',
  'WIRE_CLOCK',
] as const

export type WireErrorCode = (typeof WIRE_ERROR_CODES)[number]

/** The input can never become valid, whatever follows it. Messages never repeat credentials. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: WireErrorCode

  constructor(code: WireErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
