import { STATUS_CODES } from 'node:http'
import { codeOf, type ErrorCode, OUTCOMES, ServiceError } from '@sluice/service'
import { encodeResponseHead, type HttpField } from '@sluice/wire'
import { RequestError } from './request-error.ts'

/** An answer of our own that says why not. */
export interface Problem {
  readonly status: number
  readonly fields: HttpField[]
  readonly body: Buffer
}

export const REQUEST_ID = 'Sluice-Request-Id'

/** @param isProxied the request was one to a proxy, which asks for credentials in words of its own */
export const problemOf = (error: unknown, isProxied: boolean): Problem => {
  const code = codeOf(error)
  const { http, text, limit } = OUTCOMES[code]
  const detail = error instanceof RequestError && error.message !== text ? error.message : undefined
  const retryMs = error instanceof ServiceError ? error.retryMs : undefined
  const retryAfter = retryMs === undefined ? undefined : Math.ceil(retryMs / 1000)
  const body = Buffer.from(`${JSON.stringify({ code, text, detail, limit, retryAfter })}\n`)
  const fields: HttpField[] = [
    ['Content-Type', 'application/json'],
    ['Content-Length', String(body.length)],
    ['Sluice-Code', code],
  ]
  if (limit !== undefined) fields.push(['Sluice-Limit', limit])
  if (retryAfter !== undefined) fields.push(['Retry-After', String(retryAfter)])
  if (http === 407) fields.push(...challenges(isProxied))
  return { status: http === 407 && !isProxied ? 401 : http, fields, body }
}

/** The same for a conn on which nothing has been answered yet, and which ends with it. */
export const problemBytes = (
  error: unknown,
  isProxied: boolean,
  id: string,
  headOnly = false,
): Uint8Array => {
  const { status, fields, body } = problemOf(error, isProxied)
  fields.push([REQUEST_ID, id], ['Connection', 'close'])
  const head = encodeResponseHead({ status, reason: STATUS_CODES[status] ?? '', fields })
  return headOnly ? head : Buffer.concat([head, body])
}

/** Codes of the errors with which Node's parser gives up on a client. */
const PARSER_CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HANDSHAKE_TOO_LONG',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'HANDSHAKE_TOO_LONG',
  ERR_HTTP_REQUEST_TIMEOUT: 'HANDSHAKE_TIMEOUT',
}

/** What such an error is to us: what is not known is the client's fault, since it is the client's bytes that are read. */
export const parserError = ({ code = '' }: NodeJS.ErrnoException): ServiceError =>
  new ServiceError(PARSER_CODES[code] ?? 'HANDSHAKE_INVALID')

const challenges = (isProxied: boolean): HttpField[] =>
  isProxied
    ? [['Proxy-Authenticate', 'Basic realm="Sluice", charset="UTF-8"']]
    : [
        ['WWW-Authenticate', 'Basic realm="Sluice", charset="UTF-8"'],
        ['WWW-Authenticate', 'Bearer realm="Sluice"'],
      ]
