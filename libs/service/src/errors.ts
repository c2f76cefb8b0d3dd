import { type Code, type ErrorCode, type Outcome, OUTCOMES } from './outcomes.ts'

export { type Code, type ErrorCode, type Outcome, OUTCOMES }

/** An error of this library. `message` is for the log: who, what, and never a secret. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ErrorCode
  /** When it is worth another try, ms from now; undefined where nobody knows. */
  readonly retryMs: number | undefined

  constructor(
    code: ErrorCode,
    message: string = OUTCOMES[code].text,
    options?: ErrorOptions & { retryMs?: number },
  ) {
    // Whoever is told to come again may come thousands of times a second, and nobody looks at where that was said.
    const { stackTraceLimit } = Error
    if (options?.retryMs !== undefined) Error.stackTraceLimit = 0
    super(message, options)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.retryMs = options?.retryMs
  }
}

/** Codes of the other libraries and of the system that are not outcomes themselves. */
const MEANING: Readonly<Record<string, ErrorCode>> = {
  WIRE_TOO_LONG: 'HANDSHAKE_TOO_LONG',
  WIRE_FORM: 'TARGET_FORM',
  WIRE_SCHEME: 'SCHEME_UNSUPPORTED',
  WIRE_ENCODING: 'ENCODING_UNSUPPORTED',
  WIRE_ADDRESS_TYPE: 'ADDRESS_TYPE_UNSUPPORTED',
  // Only who has the key can seal with it.
  WIRE_SEAL: 'AUTH_FAILED',
  WIRE_KEY: 'AUTH_FAILED',
  WIRE_CLOCK: 'CLOCK_SKEW',
  QUEUE_SHED: 'OVERLOADED',
  QUEUE_CLOSED: 'SHUTDOWN',
  // A dial's errors arrive wrapped in their own code, so a bare one is of the client's socket.
  ECONNRESET: 'CLIENT_RESET',
  ECONNABORTED: 'CLIENT_RESET',
  EPIPE: 'CLIENT_RESET',
  ETIMEDOUT: 'CLIENT_RESET',
}

/**
 * The code of anything that was thrown, by its `code` and not by its class, since a class may exist twice in one tree.
 * What is not known is INTERNAL: a bug of ours must never read as a peer's fault.
 */
export function codeOf(thrown: unknown): ErrorCode {
  const code: unknown =
    typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  if (typeof code !== 'string') return 'INTERNAL'
  if (code === 'TARGET_RESET') return carrierCodeOf(thrown) ?? code
  if (isErrorCode(code)) return code
  if (Object.hasOwn(MEANING, code)) return MEANING[code] ?? 'INTERNAL'
  return code.startsWith('WIRE_') ? 'HANDSHAKE_INVALID' : 'INTERNAL'
}

/** When it is worth another try, ms from now, where whatever was thrown says so. */
export const retryMsOf = (thrown: unknown): number | undefined =>
  thrown instanceof Error && 'retryMs' in thrown && typeof thrown.retryMs === 'number'
    ? thrown.retryMs
    : undefined

/** What the client was told to call the request that failed so, where that has no line of its own in the log. */
export const requestIdOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'requestId' in thrown && typeof thrown.requestId === 'string'
    ? thrown.requestId
    : undefined

/** Of a target behind a carrier that has ended: its outcome says more than that all of its streams broke. */
function carrierCodeOf(thrown: unknown): ErrorCode | undefined {
  const { cause } = thrown as Error
  return cause instanceof Error && cause.name === 'ServiceError' ? codeOf(cause) : undefined
}

function isErrorCode(code: string): code is ErrorCode {
  return code !== 'OK' && Object.hasOwn(OUTCOMES, code)
}
