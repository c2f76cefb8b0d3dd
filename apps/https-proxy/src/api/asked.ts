import { nearest } from '@sluice/service'
import { endToEndFields, type HttpField } from '@sluice/wire'
import type { z } from 'zod'
import { PRIORITIES } from '../job.ts'
import { RequestError } from './request-error.ts'
import {
  type JsonRequest,
  jsonSchema,
  MAX_URL,
  plainPreamble,
  PREAMBLE_KEYS,
  preambleSchema,
} from './schemas.ts'

const MAX_FIELD_BYTES = 16 * 1024

/** What a client asked for, checked. */
export interface Asked {
  readonly method: string
  readonly url: URL
  readonly fields: readonly HttpField[]
  readonly redirects: number
  /** Index into `PRIORITIES`. */
  readonly priority: number
  /** Base64, where it was asked for in JSON and has one. */
  readonly body: string | undefined
}

/** @param most redirects that may be asked for @throws RequestError; WireError for a Connection field that cannot be */
export const readPreamble = (text: string, most: number): Asked => {
  const value = jsonOf(text)
  return checked(plainPreamble(value) ?? parsed(preambleSchema, PREAMBLE_KEYS, value), most)
}

/** As {@link readPreamble}, of a request that is JSON as a whole. */
export const readJsonRequest = (text: string, most: number): Asked =>
  checked(parsed(jsonSchema, [...PREAMBLE_KEYS, 'body'], jsonOf(text)), most)

/** @throws RequestError */
const parsed = (schema: z.ZodType<JsonRequest>, known: readonly string[], value: unknown): JsonRequest => {
  const { success, data, error } = schema.safeParse(value)
  if (!success) throw new RequestError(complaint(error, known))
  return data
}

const checked = (data: JsonRequest, most: number): Asked => {
  if (data.redirects > most) throw new RequestError(`redirects: at most ${most} are followed`)
  if (data.method === 'CONNECT')
    throw new RequestError('method: CONNECT opens a tunnel, and is asked for as such')
  const size = data.headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
  if (size > MAX_FIELD_BYTES) throw new RequestError('headers: over 16 KiB')
  return {
    method: data.method,
    url: targetUrl(data.url),
    fields: endToEndFields(data.headers),
    redirects: data.redirects,
    priority: PRIORITIES.indexOf(data.priority),
    body: data.body,
  }
}

/** @throws RequestError */
export const targetUrl = (text: string): URL => {
  const target = text.length > MAX_URL ? null : URL.parse(text)
  if (target === null || target.host === '') throw new RequestError('url: not an absolute URL')
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new RequestError('url: neither http nor https', 'SCHEME_UNSUPPORTED')
  }
  if (target.username !== '' || target.password !== '') {
    throw new RequestError('url: credentials go into an Authorization header')
  }
  target.hash = ''
  return target
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new RequestError('not JSON')
  }
}

/** What is wrong, in one line. It never repeats a value, which may be a secret. */
const complaint = ({ issues }: z.ZodError, known: readonly string[]): string => {
  const [issue] = issues
  if (issue === undefined) return 'not a request'
  const where = issue.path.map(String).join('.')
  if (issue.code !== 'unrecognized_keys') return where === '' ? issue.message : `${where}: ${issue.message}`
  const [key = ''] = issue.keys
  const meant = nearest(key, known)
  const shown = JSON.stringify(key.slice(0, 64))
  return meant === undefined ? `${shown} is not known` : `${shown} is not known; ${meant}?`
}
