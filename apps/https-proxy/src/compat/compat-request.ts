import { type ErrorCode, ServiceError } from '@sluice/service'
import { endToEndFields, type HttpField, WireError } from '@sluice/wire'
import { traceOf } from '../api/request-id.ts'

/** What a client of the original asks for. */
export interface CompatRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly fields: readonly HttpField[]
  readonly body: Uint8Array | undefined
  readonly trace: string | undefined
}

const MAX_URL = 64 * 1024
const MAX_FIELDS = 1000
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** What a value may not hold: control characters other than the tab, and what is not Latin-1. */
const NOT_A_VALUE = /[^\t\u0020-\u007e\u0080-\u00ff]/
/** The body is there as a whole, so there is nothing to expect and nothing behind it. */
const SENSELESS: ReadonlySet<string> = new Set(['expect', 'trailer'])

/**
 * Reads the JSON of a request: `{"url": …, "headers": {…}, "post_data": …}`, of which only the URL must be there. Other
 * keys are left alone. POST where there is something to post, GET otherwise: the method does not travel.
 * @throws ServiceError REQUEST_INVALID, SCHEME_UNSUPPORTED
 */
export const readCompatRequest = (data: Uint8Array): CompatRequest => {
  const { url: text, headers, post_data: posted } = objectOf(data)
  const url = urlOf(text)
  const fields = fieldsOf(headers ?? {})
  if (posted !== undefined && posted !== null && typeof posted !== 'string')
    throw invalid('post_data is no text')
  const trace = fields.find(([name]) => name.toLowerCase() === 'traceparent')?.[1]
  return {
    method: posted ? 'POST' : 'GET',
    url,
    fields,
    body: posted ? Buffer.from(posted) : undefined,
    trace: traceOf(trace),
  }
}

const objectOf = (data: Uint8Array): Readonly<Record<string, unknown>> => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch (cause) {
    throw invalid('it is no JSON', cause)
  }
  if (isObject(value)) return value
  throw invalid('it is no JSON object')
}

const urlOf = (text: unknown): URL => {
  if (typeof text !== 'string' || text === '') throw invalid('there is no url')
  const url = text.length <= MAX_URL ? URL.parse(text) : null
  if (url === null) throw invalid('the url is none')
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  throw failure('SCHEME_UNSUPPORTED', 'of URLs only http:// and https:// are known')
}

const fieldsOf = (headers: unknown): HttpField[] => {
  if (!isObject(headers)) throw invalid('headers is no object')
  const all = Object.entries(headers)
  if (all.length > MAX_FIELDS) throw invalid(`there are more than ${MAX_FIELDS} headers`)
  try {
    return endToEndFields(all.map(fieldOf)).filter(([name]) => !SENSELESS.has(name.toLowerCase()))
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw invalid('the header Connection cannot be', cause)
  }
}

const fieldOf = ([name, value]: readonly [string, unknown]): HttpField => {
  if (!TOKEN.test(name)) throw invalid('the name of a header is none')
  if (typeof value === 'string' && !NOT_A_VALUE.test(value)) return [name, value.trim()]
  throw invalid(`the value of header ${name.slice(0, 80)} is none`)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const invalid = (message: string, cause?: unknown): ServiceError => failure('REQUEST_INVALID', message, cause)

const failure = (code: ErrorCode, message: string, cause?: unknown): ServiceError =>
  new ServiceError(code, message, { cause })
