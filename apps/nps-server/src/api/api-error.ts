import { STATUS_CODES } from 'node:http'
import { retryMsOf } from '@sluice/service'
import type { z } from 'zod'

/** Of problems. Those of records are as the store has them. */
const STATUS = {
  REQUEST_INVALID: 400,
  AUTH_REQUIRED: 401,
  AUTH_FAILED: 401,
  CODE_REQUIRED: 401,
  SCOPE_DENIED: 403,
  NOT_FOUND: 404,
  RECORD_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  PORT_TAKEN: 409,
  HOST_TAKEN: 409,
  TUNNEL_LIMIT: 409,
  BODY_TOO_LONG: 413,
  MEDIA_TYPE: 415,
  RECORD_VALUE: 422,
  AUTH_LIMIT: 429,
  HEAD_TOO_LONG: 431,
  INTERNAL: 500,
  STORE_BUSY: 503,
} as const
export type ApiCode = keyof typeof STATUS
export const API_CODES: readonly ApiCode[] = Object.keys(STATUS) as ApiCode[]

/** What is wrong with a part of a request. */
interface Flaw {
  /** JSON Pointer. */
  readonly at: string
  readonly text: string
}

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiCode
  readonly flaws: readonly Flaw[] | undefined

  constructor(code: ApiCode, message: string, flaws?: readonly Flaw[]) {
    super(message)
    this.code = code
    this.flaws = flaws
  }
}

/** Why there is no other answer (RFC 9457). */
export interface Problem {
  readonly title: string
  readonly status: number
  /** Stable. */
  readonly code: ApiCode
  readonly detail: string
  readonly errors?: readonly Flaw[] | undefined
  /** Seconds. */
  readonly retryAfter?: number | undefined
}

/** What fastify calls what is a client's fault. */
const FOREIGN: Readonly<Record<string, readonly [ApiCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LONG', 'the body is too long'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['MEDIA_TYPE', 'the body is of a media type that is not taken here'],
  AUTH_USER_LIMIT: ['AUTH_LIMIT', 'too many failures'],
}

/** INTERNAL tells nothing: what was thrown is for the log. */
export const problemOf = (thrown: unknown): Problem => {
  const { code, detail } = meaningOf(thrown)
  const status = STATUS[code]
  const retryMs = retryMsOf(thrown)
  return {
    title: STATUS_CODES[status] ?? '',
    status,
    code,
    detail,
    ...(thrown instanceof ApiError && thrown.flaws !== undefined && { errors: thrown.flaws }),
    ...(retryMs !== undefined && { retryAfter: Math.ceil(retryMs / 1000) }),
  }
}

const meaningOf = (thrown: unknown): { code: ApiCode; detail: string } => {
  const { code = '', message = '', statusCode = 500 } = thrown as Partial<Record<string, unknown>>
  if (isApiCode(code) && code !== 'INTERNAL') return { code, detail: String(message) }
  const [foreign, detail] = FOREIGN[String(code)] ?? []
  if (foreign !== undefined) return { code: foreign, detail: detail! }
  return Number(statusCode) < 500
    ? { code: 'REQUEST_INVALID', detail: 'the request is malformed' }
    : { code: 'INTERNAL', detail: 'the log has the reason' }
}

const isApiCode = (code: unknown): code is ApiCode => typeof code === 'string' && Object.hasOwn(STATUS, code)

/** @throws ApiError REQUEST_INVALID, which repeats nothing of the value */
export const checked = <T>(schema: z.ZodType<T>, value: unknown, what: string): T => {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const flaws = error.issues.slice(0, 100).map(({ path, message }) => ({
    at: path.map((part) => `/${pointerPart(String(part))}`).join(''),
    text: message,
  }))
  throw new ApiError('REQUEST_INVALID', `${what} is not as it should be`, flaws)
}

const pointerPart = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1')
