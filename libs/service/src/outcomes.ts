import { CIRCUIT_OUTCOMES } from './circuit-outcomes.ts'
import { REQUEST_OUTCOMES } from './request-outcomes.ts'
import { TUNNEL_OUTCOMES } from './tunnel-outcomes.ts'

/** What an outcome means to the log, to a SOCKS5 client, to an HTTP client and to people. */
export interface Outcome {
  /** info: the peer's doing or ordinary life · warn: the operator may have to act · error: a fault of ours. */
  level: 'info' | 'warn' | 'error'
  /** Reply field of RFC 1928 §6. Authentication has its own words (method FF, RFC 1929 status) and does not use it. */
  socks5: number
  http: number
  text: string
  /** Which limit a 429 is about. */
  limit?: string
}

/**
 * Every outcome of a session, in the order in which it can happen. The code is at once log field, metric label and
 * key of the replies; docs/errors.md is held to this table by a test. A reply is given for each code, though some come
 * when there is nobody left to hear it (CLIENT_*) or when bytes already flow (the relay's).
 */
const TABLE = {
  OK: { level: 'info', socks5: 0, http: 200, text: 'The session ran and both sides ended it.' },

  HANDSHAKE_TIMEOUT: { level: 'info', socks5: 1, http: 408, text: 'No complete request came in time.' },
  HANDSHAKE_INVALID: { level: 'info', socks5: 1, http: 400, text: 'The request is malformed.' },
  HANDSHAKE_TOO_LONG: { level: 'info', socks5: 1, http: 431, text: 'The request is longer than allowed.' },
  PROTOCOL_UNSUPPORTED: {
    level: 'info',
    socks5: 1,
    http: 400,
    text: 'This door does not speak that protocol.',
  },
  TARGET_FORM: {
    level: 'info',
    socks5: 1,
    http: 400,
    text: 'A request to a proxy names http://host/path, or is a CONNECT.',
  },
  SCHEME_UNSUPPORTED: {
    level: 'info',
    socks5: 1,
    http: 501,
    text: 'Of URLs only http:// is forwarded; for https:// there is CONNECT.',
  },
  ENCODING_UNSUPPORTED: {
    level: 'info',
    socks5: 1,
    http: 501,
    text: 'Of transfer codings only chunked is known.',
  },
  LOOP_DETECTED: { level: 'info', socks5: 1, http: 508, text: 'The request has come through here already.' },
  METHOD_UNSUPPORTED: {
    level: 'info',
    socks5: 7,
    http: 405,
    text: 'This door does not know that HTTP method.',
  },
  COMMAND_UNSUPPORTED: {
    level: 'info',
    socks5: 7,
    http: 501,
    text: 'This door does not know that SOCKS command.',
  },
  ADDRESS_TYPE_UNSUPPORTED: {
    level: 'info',
    socks5: 8,
    http: 400,
    text: 'The address is of a type that is not known.',
  },
  PROXY_HEADER_INVALID: {
    level: 'warn',
    socks5: 1,
    http: 400,
    text: 'The balancer in front did not begin with a PROXY header.',
  },
  TLS_FAILED: { level: 'info', socks5: 1, http: 400, text: 'The TLS handshake failed.' },
  TRANSPORT_UNSUPPORTED: {
    level: 'info',
    socks5: 1,
    http: 400,
    text: 'This listener does not speak that transport.',
  },
  WEBSOCKET_INVALID: {
    level: 'info',
    socks5: 1,
    http: 400,
    text: 'The client asked for no WebSocket, or speaks it wrongly.',
  },
  WEBSOCKET_CLOSED: {
    level: 'info',
    socks5: 1,
    http: 400,
    text: 'The WebSocket was closed before both sides had ended.',
  },
  CLIENT_CLOSED: {
    level: 'info',
    socks5: 1,
    http: 400,
    text: 'The client left before its request was complete.',
  },
  CLIENT_RESET: { level: 'info', socks5: 1, http: 400, text: 'The connection to the client broke.' },

  AUTH_REQUIRED: { level: 'info', socks5: 2, http: 407, text: 'This door wants a user name and a password.' },
  AUTH_FAILED: { level: 'info', socks5: 2, http: 407, text: 'The user name or the password is wrong.' },
  REPLAY: {
    level: 'info',
    socks5: 2,
    http: 403,
    text: 'The request, or what it begins with, has come before.',
  },
  CLOCK_SKEW: {
    level: 'info',
    socks5: 2,
    http: 403,
    text: 'The request is too old, or the clock of the client is wrong.',
  },
  AUTH_LIMIT: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'sign-ins',
    text: 'Too many sign-ins from this address have failed.',
  },
  AUTH_USER_LIMIT: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'sign-ins',
    text: 'Too many sign-ins with this name have failed.',
  },
  AUTH_BUSY: { level: 'warn', socks5: 1, http: 503, text: 'Too many passwords wait to be checked.' },

  USER_DISABLED: { level: 'info', socks5: 2, http: 403, text: 'The user is disabled.' },
  USER_EXPIRED: { level: 'info', socks5: 2, http: 403, text: 'The user has expired.' },
  QUOTA_EXCEEDED: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'quota',
    text: 'The quota of this period is used up.',
  },
  CONNECTION_LIMIT: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'connections',
    text: 'The user has as many connections as allowed.',
  },
  ASSOCIATION_LIMIT: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'associations',
    text: 'The user has as many UDP associations as allowed.',
  },
  IP_LIMIT: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'ips',
    text: 'The user comes from as many addresses as allowed.',
  },
  UNAUTHENTICATED_LIMIT: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'unauthenticated',
    text: 'Too many connections, of this address or in all, have not signed in.',
  },

  TARGET_DENIED: {
    level: 'info',
    socks5: 2,
    http: 403,
    text: 'The address policy does not allow this target.',
  },

  ACCESS_DENIED: { level: 'info', socks5: 2, http: 403, text: 'A rule of this door denies this target.' },

  DIAL_REFUSED: { level: 'info', socks5: 5, http: 502, text: 'The target refused the connection.' },
  DIAL_TIMEOUT: { level: 'info', socks5: 4, http: 504, text: 'The target did not answer in time.' },
  DIAL_UNREACHABLE_HOST: { level: 'info', socks5: 4, http: 502, text: 'There is no way to the target host.' },
  DIAL_UNREACHABLE_NETWORK: {
    level: 'info',
    socks5: 3,
    http: 502,
    text: 'There is no way to the target network.',
  },
  DIAL_NAME_UNKNOWN: { level: 'info', socks5: 4, http: 502, text: 'The name of the target does not exist.' },
  DIAL_NAME_FAILED: {
    level: 'info',
    socks5: 4,
    http: 502,
    text: 'The name of the target could not be looked up now.',
  },
  DIAL_FAILED: { level: 'info', socks5: 1, http: 502, text: 'The target could not be reached.' },
  DIAL_SOURCE_UNAVAILABLE: {
    level: 'warn',
    socks5: 1,
    http: 503,
    text: 'The source address is not one of this machine.',
  },
  UPSTREAM_AUTH: {
    level: 'warn',
    socks5: 1,
    http: 502,
    text: 'The upstream proxy does not accept our credentials.',
  },
  UPSTREAM_FAILED: {
    level: 'info',
    socks5: 1,
    http: 502,
    text: 'The upstream proxy could not be reached, or failed.',
  },
  DIAL_LOCAL_LIMIT: {
    level: 'warn',
    socks5: 1,
    http: 503,
    text: 'This machine is out of file descriptors or ports.',
  },

  SERVER_REFUSED: {
    level: 'info',
    socks5: 1,
    http: 502,
    text: 'The server behind this end refused; its own answer was passed on.',
  },

  TARGET_RESET: { level: 'info', socks5: 1, http: 502, text: 'The connection to the target broke.' },
  RESPONSE_INVALID: {
    level: 'info',
    socks5: 1,
    http: 502,
    text: 'The answer of the target is not HTTP, or its end is unclear.',
  },
  RESPONSE_TIMEOUT: { level: 'info', socks5: 1, http: 504, text: 'The target gave no answer in time.' },
  IDLE_TIMEOUT: { level: 'info', socks5: 1, http: 504, text: 'Nothing passed for too long.' },
  CREDENTIAL_CHANGED: {
    level: 'info',
    socks5: 2,
    http: 403,
    text: 'What the client came in with is of no use any more.',
  },
  USER_REMOVED: { level: 'info', socks5: 2, http: 403, text: 'The user was removed.' },
  SHUTDOWN: { level: 'info', socks5: 1, http: 503, text: 'The program is stopping.' },
  INTERNAL: {
    level: 'error',
    socks5: 1,
    http: 500,
    text: 'Something of ours failed; the log has the stack.',
  },
} as const

/** The outcome of a session. */
export type Code =
  | keyof typeof TABLE
  | keyof typeof CIRCUIT_OUTCOMES
  | keyof typeof REQUEST_OUTCOMES
  | keyof typeof TUNNEL_OUTCOMES
/** The outcome of a session that failed. */
export type ErrorCode = Exclude<Code, 'OK'>

export const OUTCOMES: Readonly<Record<Code, Outcome>> = {
  ...TABLE,
  ...CIRCUIT_OUTCOMES,
  ...REQUEST_OUTCOMES,
  ...TUNNEL_OUTCOMES,
}
