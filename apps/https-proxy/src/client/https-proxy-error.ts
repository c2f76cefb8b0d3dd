/** What fails before the server has its say, or behind it. All other codes are the server's: docs/errors.md. */
export const CLIENT_ERROR_CODES = [
  'SERVER_UNREACHABLE',
  'SERVER_UNTRUSTED',
  'SERVER_ANSWER_INVALID',
  'RESPONSE_CUT',
  'REQUEST_INVALID',
] as const

interface Details extends ErrorOptions {
  readonly retryMs?: number | undefined
  readonly limit?: string | undefined
  readonly status?: number | undefined
}

/** Why there is no response of an origin, or not all of it. */
export class HttpsProxyError extends Error {
  override readonly name = 'HttpsProxyError'
  /** One of {@link CLIENT_ERROR_CODES}, or the code that the server told. */
  readonly code: string
  /** When it is worth another try, ms from now, where the server said so. */
  readonly retryMs: number | undefined
  /** Which limit was reached. */
  readonly limit: string | undefined
  /** Of the server's own answer. */
  readonly status: number | undefined

  constructor(code: string, message: string, details: Details = {}) {
    super(message, details)
    this.code = code
    this.retryMs = details.retryMs
    this.limit = details.limit
    this.status = details.status
  }
}

const UNTRUSTED = /^(CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|EPROTO$)/

/** What an error of the transport means before anything was answered. */
export const unanswered = (cause: unknown, server: string): Error => {
  if (cause instanceof HttpsProxyError || Object(cause).name === 'AbortError') return cause as Error
  const errno = errnoOf(cause)
  const code = UNTRUSTED.test(errno) ? 'SERVER_UNTRUSTED' : 'SERVER_UNREACHABLE'
  return new HttpsProxyError(code, `${server}: ${errno || String(Object(cause).message)}`, { cause })
}

/** Several addresses may have failed, each in its way. */
const errnoOf = (error: unknown): string => {
  const { code, errors } = Object(error) as { code?: unknown; errors?: unknown[] }
  if (typeof code === 'string') return code
  return Array.isArray(errors) ? errnoOf(errors[0]) : ''
}
