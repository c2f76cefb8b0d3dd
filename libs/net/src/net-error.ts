/**
 * Every way in which libs/net fails; docs/errors.md says what each one means to whom. Of DIAL_* the more telling come
 * first, see {@link dialCode}.
 */
export const NET_ERROR_CODES = [
  'TARGET_DENIED',
  'DIAL_REFUSED',
  'DIAL_TIMEOUT',
  'DIAL_UNREACHABLE_HOST',
  'DIAL_UNREACHABLE_NETWORK',
  'DIAL_NAME_UNKNOWN',
  'DIAL_NAME_FAILED',
  'DIAL_SOURCE_UNAVAILABLE',
  'DIAL_LOCAL_LIMIT',
  'DIAL_FAILED',
  'UPSTREAM_AUTH',
  'UPSTREAM_FAILED',
  'HANDSHAKE_TIMEOUT',
  'HANDSHAKE_TOO_LONG',
  'PROXY_HEADER_INVALID',
  'TLS_FAILED',
  'TRANSPORT_UNSUPPORTED',
  'WEBSOCKET_INVALID',
  'WEBSOCKET_CLOSED',
  'CLIENT_CLOSED',
  'CLIENT_RESET',
  'TARGET_RESET',
] as const

export type NetErrorCode = (typeof NET_ERROR_CODES)[number]

export class NetError extends Error {
  override readonly name = 'NetError'
  readonly code: NetErrorCode

  constructor(code: NetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const BY_ERRNO: Readonly<Record<string, NetErrorCode>> = {
  ECONNREFUSED: 'DIAL_REFUSED',
  ETIMEDOUT: 'DIAL_TIMEOUT',
  EHOSTUNREACH: 'DIAL_UNREACHABLE_HOST',
  EHOSTDOWN: 'DIAL_UNREACHABLE_HOST',
  ENETUNREACH: 'DIAL_UNREACHABLE_NETWORK',
  ENETDOWN: 'DIAL_UNREACHABLE_NETWORK',
  EAFNOSUPPORT: 'DIAL_UNREACHABLE_NETWORK',
  EADDRINUSE: 'DIAL_LOCAL_LIMIT',
  EADDRNOTAVAIL: 'DIAL_LOCAL_LIMIT',
  EMFILE: 'DIAL_LOCAL_LIMIT',
  ENFILE: 'DIAL_LOCAL_LIMIT',
  ENOBUFS: 'DIAL_LOCAL_LIMIT',
  ENOMEM: 'DIAL_LOCAL_LIMIT',
  ENOTFOUND: 'DIAL_NAME_UNKNOWN',
  EAI_NONAME: 'DIAL_NAME_UNKNOWN',
  EAI_NODATA: 'DIAL_NAME_UNKNOWN',
  EAI_AGAIN: 'DIAL_NAME_FAILED',
  EAI_FAIL: 'DIAL_NAME_FAILED',
}

/** The `code` of a Node system error (errno name), '' where it has none. */
export const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const codeOf = (error: unknown): NetErrorCode => {
  if (error instanceof NetError) return error.code
  const errno = errnoOf(error)
  // The same errno of `connect` means that there is no port left. A bind that finds none says EADDRINUSE.
  const isBind = error instanceof Error && 'syscall' in error && error.syscall === 'bind'
  if (isBind && errno !== 'EADDRINUSE') return 'DIAL_SOURCE_UNAVAILABLE'
  return BY_ERRNO[errno] ?? 'DIAL_FAILED'
}

/**
 * What failed attempts to connect mean together: of their codes the one that stands first in NET_ERROR_CODES. So an
 * address that refused says more than one that has no route from here, as all IPv6 on a machine without it.
 */
export const dialCode = (errors: readonly unknown[]): NetErrorCode => {
  const codes = new Set(errors.map(codeOf))
  return NET_ERROR_CODES.find((code) => codes.has(code)) ?? 'DIAL_FAILED'
}
