import { z } from 'zod'
import { PRIORITIES } from '../job.ts'

/** Of a URL, in characters. */
export const MAX_URL: number = 8 * 1024
const MAX_FIELDS = 100

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/
/** One byte a character, as HTTP has it, and no blanks around it. */
const VALUE = /^(?:(?![\t ])[\t -~\u0080-\u00ff]*(?<![\t ]))?$/

const method = z
  .string()
  .regex(METHOD)
  .default('GET')
  .meta({ description: 'the method, in the spelling that the target gets; CONNECT is none' })

const url = z
  .string()
  .max(MAX_URL)
  .meta({
    description: 'where to: an http or https URL without credentials in it',
    format: 'uri',
    examples: ['https://example.com/'],
  })

const field = z
  .tuple([z.string().regex(NAME), z.string().regex(VALUE)])
  .meta({ description: 'name and value; each character of a value is one octet' })

const fields = z.array(field).max(MAX_FIELDS).default([]).meta({
  description:
    'header fields in order, repeated ones too; Host, Content-Length and those of a single hop are left out',
})

const redirects = z
  .int()
  .min(0)
  .default(0)
  .meta({ description: 'how many redirects to follow; the server bounds it' })

const priority = z
  .enum(PRIORITIES)
  .default('normal')
  .meta({ description: 'among the requests of the same user that wait' })

type Fields = [name: string, value: string][]

/** What a client asks for. */
export interface RequestPreamble {
  readonly method: string
  readonly url: string
  readonly headers: Fields
  readonly redirects: number
  readonly priority: string
}

/** The same with its body, in base64. */
export interface JsonRequest extends RequestPreamble {
  readonly body?: string | undefined
}

/** What a target answered. */
export interface ResponsePreamble {
  readonly status: number
  readonly headers: Fields
  readonly url: string
  readonly cached: boolean
}

/** The same with its body, in base64. */
export interface JsonResponse extends ResponsePreamble {
  readonly body: string
  readonly trailers?: Fields | undefined
}

/** Why there is no answer of a target. */
export interface ProblemBody {
  readonly code: string
  readonly text: string
  readonly detail?: string | undefined
  readonly limit?: string | undefined
  readonly retryAfter?: number | undefined
}

const preamble = { method, url, headers: fields, redirects, priority }

/** Keys of a request, as far as it is a preamble. */
export const PREAMBLE_KEYS: readonly string[] = Object.keys(preamble)

/** What stands in front of the body of a streamed request. */
export const preambleSchema: z.ZodType<RequestPreamble> = z
  .strictObject(preamble)
  .meta({ title: 'RequestPreamble', description: 'what is asked for; the body follows it' })

/**
 * What `preambleSchema` makes of `value`, for a fraction of what that costs.
 * @returns undefined where there is anything that is not as usual: whether it may be so, and if not why, is for the schema to say
 */
export const plainPreamble = (value: unknown): RequestPreamble | undefined => {
  if (typeof value !== 'object' || value === null || !Object.keys(value).every(isKey)) return undefined
  const {
    method: verb = 'GET',
    url: target,
    headers = [],
    redirects: follow = 0,
    priority: rank = 'normal',
  } = value as Record<string, unknown>
  if (typeof verb !== 'string' || !METHOD.test(verb)) return undefined
  if (typeof target !== 'string' || target.length > MAX_URL || !areFields(headers)) return undefined
  if (!isCount(follow) || typeof rank !== 'string' || !PRIORITIES.includes(rank)) return undefined
  return { method: verb, url: target, headers, redirects: follow, priority: rank }
}

const isKey = (key: string): boolean => PREAMBLE_KEYS.includes(key)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const areFields = (value: unknown): value is Fields =>
  Array.isArray(value) && value.length <= MAX_FIELDS && value.every(isField)

const isField = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === 'string' &&
  typeof value[1] === 'string' &&
  NAME.test(value[0]) &&
  VALUE.test(value[1])

/** A request that is made as JSON, body and all. */
export const jsonSchema: z.ZodType<JsonRequest> = z
  .strictObject({
    ...preamble,
    body: z
      .base64()
      .optional()
      .meta({ description: 'the body in base64; none where it is left out', contentEncoding: 'base64' }),
  })
  .meta({ title: 'JsonRequest', description: 'what is asked for' })

const answer = {
  status: z.int().min(200).max(999).meta({ description: 'of the target' }),
  headers: z.array(field).meta({ description: 'of the target, in order and with repetitions' }),
  url: z.string().meta({ description: 'where the answer is from, after redirects' }),
  cached: z.boolean().meta({ description: 'whether it came out of the cache' }),
}

/** What stands in front of the body of a streamed response. */
export const responsePreambleSchema: z.ZodType<ResponsePreamble> = z
  .object(answer)
  .meta({ title: 'ResponsePreamble', description: 'what the target answered; its body follows' })

export const jsonResponseSchema: z.ZodType<JsonResponse> = z
  .object({
    ...answer,
    body: z.base64().meta({ description: 'in base64, empty where there is none', contentEncoding: 'base64' }),
    trailers: z.array(field).optional().meta({ description: 'of the target, where it sent any' }),
  })
  .meta({ title: 'JsonResponse', description: 'what the target answered' })

export const problemSchema: z.ZodType<ProblemBody> = z
  .object({
    code: z.string().meta({ description: 'stable name of what went wrong, also in Sluice-Code' }),
    text: z.string().meta({ description: 'the same in a sentence' }),
    detail: z.string().optional().meta({ description: 'what exactly is wrong with the request' }),
    limit: z.string().optional().meta({ description: 'which limit was reached, also in Sluice-Limit' }),
    retryAfter: z
      .int()
      .optional()
      .meta({ description: 'seconds after which another try may help, also in Retry-After' }),
  })
  .meta({ title: 'Problem', description: 'why there is no answer of the target' })
