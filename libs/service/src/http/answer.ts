import { STATUS_CODES } from 'node:http'
import { encodeResponseHead } from '@sluice/wire'
import { type ErrorCode, OUTCOMES } from '../errors.ts'

/** What a client is told without asking a target. */
export interface OwnAnswer {
  readonly status: number
  readonly bytes: Uint8Array
}

export interface AnswerForm {
  /** The connection stays open for another request. @default false */
  readonly keep?: boolean
  /** The request was a HEAD, whose answer has no body. @default false */
  readonly headOnly?: boolean
  /** After which trying again may help. */
  readonly retryMs?: number | undefined
  /** What everybody calls the request. */
  readonly id?: string | undefined
}

/** What the request is called that is answered so. */
export const REQUEST_ID = 'Sluice-Request-Id'

const METHODS = 'CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'

/** Error types of RFC 9209 §2.3, for the codes that have one. */
const PROXY_STATUS: Readonly<Partial<Record<ErrorCode, string>>> = {
  TARGET_DENIED: 'destination_ip_prohibited',
  DIAL_REFUSED: 'connection_refused',
  DIAL_TIMEOUT: 'connection_timeout',
  DIAL_UNREACHABLE_HOST: 'destination_ip_unroutable',
  DIAL_UNREACHABLE_NETWORK: 'destination_ip_unroutable',
  DIAL_NAME_UNKNOWN: 'dns_error',
  DIAL_NAME_FAILED: 'dns_error',
  DIAL_FAILED: 'destination_unavailable',
  DIAL_LOCAL_LIMIT: 'connection_limit_reached',
  TARGET_RESET: 'connection_terminated',
  RESPONSE_INVALID: 'http_protocol_error',
  RESPONSE_TIMEOUT: 'http_response_timeout',
  LOOP_DETECTED: 'proxy_loop_detected',
  INTERNAL: 'proxy_internal_error',
}

/** What an HTTP client is told of a failure: the answer names the code, and the limit where one was reached. */
export const answerFor = (
  code: ErrorCode,
  { keep = false, headOnly = false, retryMs, id }: AnswerForm = {},
): Uint8Array => {
  const { http, text, limit } = OUTCOMES[code]
  const body = Buffer.from(`${code}: ${text}\n`)
  const fields: [string, string][] = [
    ['Sluice-Code', code],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
  ]
  if (!keep) fields.push(['Connection', 'close'])
  if (id !== undefined) fields.push([REQUEST_ID, id])
  if (limit !== undefined) fields.push(['Sluice-Limit', limit])
  if (retryMs !== undefined) fields.push(['Retry-After', String(Math.ceil(retryMs / 1000))])
  const error = PROXY_STATUS[code]
  if (error !== undefined) fields.push(['Proxy-Status', `Sluice; error=${error}`])
  if (http === 407) fields.push(['Proxy-Authenticate', 'Basic realm="Sluice", charset="UTF-8"'])
  if (http === 405) fields.push(['Allow', METHODS])
  const head = encodeResponseHead({ status: http, reason: STATUS_CODES[http] ?? '', fields })
  return headOnly ? head : Buffer.concat([head, body])
}

/**
 * Names a request that fails before there is anything that could carry its name to the log.
 * @returns the name, which the error brings to the line of its session; none where nothing has a name
 */
export const named = (error: unknown, requestId: (() => string) | undefined): string | undefined => {
  const id = requestId?.()
  if (id !== undefined && error instanceof Error) Object.assign(error, { requestId: id })
  return id
}

/** What a client is told whose OPTIONS may go no further (RFC 9110 §7.6.2). */
export const optionsAnswer = (keep: boolean, id?: string): OwnAnswer => {
  const fields: [string, string][] = [
    ['Allow', METHODS],
    ['Content-Length', '0'],
  ]
  if (!keep) fields.push(['Connection', 'close'])
  if (id !== undefined) fields.push([REQUEST_ID, id])
  return { status: 200, bytes: encodeResponseHead({ status: 200, reason: 'OK', fields }) }
}
