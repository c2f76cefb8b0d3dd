import type { Readable } from 'node:stream'
import type { HttpField } from '@sluice/wire'
import type { Dispatcher } from 'undici'
import { z } from 'zod'
import { HttpsProxyError } from './https-proxy-error.ts'

const RESPONSE_TYPE = 'application/vnd.sluice.response'
const MAX_PROBLEM_BYTES = 64 * 1024

const fields = z.array(z.tuple([z.string(), z.string()]))

const head = z.object({
  status: z.int().min(100).max(999),
  headers: fields,
  url: z.string(),
  cached: z.boolean().default(false),
})

const problem = z.object({
  code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
  text: z.string().max(1000),
  detail: z.string().max(1000).optional(),
  limit: z.string().max(100).optional(),
  retryAfter: z.number().min(0).optional(),
})

/** What an origin answered, but for its body. */
export interface ResponseWords {
  readonly status: number
  readonly headers: readonly HttpField[]
  readonly url: string
  readonly cached: boolean
}

/** @param text the preamble @throws HttpsProxyError SERVER_ANSWER_INVALID */
export const responseOf = (text: string): ResponseWords => {
  const result = head.safeParse(jsonOf(text))
  if (result.success) return result.data
  throw strange()
}

export const isResponse = ({ statusCode, headers }: Dispatcher.ResponseData): boolean =>
  statusCode === 200 && one(headers['content-type'])?.split(';', 1)[0]?.trim() === RESPONSE_TYPE

/** Why the server did not serve, in its words; or that it is none. */
export const problemOf = async (
  answer: Dispatcher.ResponseData,
  server: string,
): Promise<HttpsProxyError> => {
  const { statusCode: status, body } = answer
  const result = problem.safeParse(jsonOf(await textOf(body)))
  if (!result.success)
    return strange(`${server} answered with status ${status}, and not as an https-proxy does`)
  const { code, text, detail, limit, retryAfter } = result.data
  const retryMs = retryAfter === undefined ? undefined : retryAfter * 1000
  return new HttpsProxyError(code, detail === undefined ? text : `${text} ${detail}`, {
    status,
    limit,
    retryMs,
  })
}

/** Trailers of the origin travel as one of the server's own. */
export const trailersOf = ({ trailers }: Dispatcher.ResponseData): readonly HttpField[] => {
  const packed = trailers['sluice-target-trailers']
  if (packed === undefined) return []
  const result = fields.safeParse(jsonOf(Buffer.from(packed, 'base64').toString()))
  return result.success ? result.data : []
}

export const idOf = ({ headers }: Dispatcher.ResponseData): string | undefined =>
  one(headers['sluice-request-id'])

const strange = (message = 'the answer is none of this protocol'): HttpsProxyError =>
  new HttpsProxyError('SERVER_ANSWER_INVALID', message)

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

const textOf = async (body: Readable): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_PROBLEM_BYTES) return ''
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
