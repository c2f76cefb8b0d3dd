import { OUTCOMES } from '@sluice/service'
import { MAX_PREAMBLE_BYTES } from '@sluice/wire'
import { z } from 'zod'
import { STREAM_RESPONSE, TARGET_TRAILERS } from './answer-form.ts'
import {
  jsonResponseSchema,
  jsonSchema,
  preambleSchema,
  problemSchema,
  responsePreambleSchema,
} from './schemas.ts'
import { STREAM_REQUEST } from './routes.ts'

const SCHEMAS = [preambleSchema, jsonSchema, responsePreambleSchema, jsonResponseSchema, problemSchema]

const ref = (id: string): object => ({ $ref: `#/components/schemas/${id}` })

const framed = (id: string): object => ({
  type: 'string',
  contentMediaType: 'application/octet-stream',
  description: `4 octets: the length of a text, big-endian, 1 to ${MAX_PREAMBLE_BYTES}; that text, which is JSON in UTF-8 as ${id} has it; then the body, of any length`,
  'x-preamble': ref(id),
})

const json = (schema: object): object => ({ 'application/json': { schema } })

const ID = { $ref: '#/components/headers/RequestId' }

const refusal = (description: string, headers: object = {}): object => ({
  description,
  headers: { 'Sluice-Request-Id': ID, 'Sluice-Code': { $ref: '#/components/headers/Code' }, ...headers },
  content: json(ref('Problem')),
})

const LATER = {
  'Retry-After': { description: 'seconds after which another try may help', schema: { type: 'integer' } },
  'Sluice-Limit': { description: 'which limit was reached', schema: { type: 'string' } },
}

const REFUSALS = {
  401: refusal('there are no credentials, or wrong ones', {
    'WWW-Authenticate': { description: 'Basic and Bearer', schema: { type: 'string' } },
  }),
  429: refusal('a limit of the user or of the address was reached', LATER),
  503: refusal('as many requests wait as may, or one has waited too long', LATER),
  default: refusal('there is no answer of the target, or no such request'),
}

const answered = (description: string, content: object, headers: object = {}): object => ({
  description,
  headers: { 'Sluice-Request-Id': ID, ...headers },
  content,
})

const parameters = [
  {
    name: 'Sluice-Request-Id',
    in: 'header',
    description: 'what the request is called in logs and answers; made where it is missing',
    schema: { type: 'string', pattern: '^[\\w.~-]{1,64}$' },
  },
  { name: 'traceparent', in: 'header', description: 'W3C Trace Context', schema: { type: 'string' } },
]

const REQUESTS = {
  post: {
    operationId: 'request',
    summary: 'Has a request made, and answers what its target answers.',
    description:
      'The request waits for its turn, then goes to its target. A response that breaks off after its head is reset, and never ends cleanly.',
    parameters,
    requestBody: {
      required: true,
      content: { [STREAM_REQUEST]: { schema: framed('RequestPreamble') }, ...json(ref('JsonRequest')) },
    },
    responses: {
      200: answered(
        'the target has answered, whatever its status',
        { [STREAM_RESPONSE]: { schema: framed('ResponsePreamble') }, ...json(ref('JsonResponse')) },
        {
          [TARGET_TRAILERS]: {
            description: 'as a trailer: base64 of a JSON array of the trailers of the target, name and value',
            schema: { type: 'string' },
          },
        },
      ),
      ...REFUSALS,
    },
  },
}

const get = (summary: string, description: string, content: object): object => ({
  get: { summary, parameters, responses: { 200: answered(description, content), ...REFUSALS } },
})

const schemas = (): object => {
  const named = SCHEMAS.map((schema): [string, object] => {
    const { $schema: _, title, ...rest } = z.toJSONSchema(schema, { io: 'input' })
    return [title!, rest]
  })
  return Object.fromEntries(named)
}

/** Made of the schemas that requests are checked with. */
export const openApi = (version: string): object => ({
  openapi: '3.1.0',
  info: {
    title: 'Sluice https-proxy',
    version,
    description: 'HTTP and HTTPS requests that wait in a bounded queue, fair to everyone.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  security: [{ basic: [] }, { token: [] }, {}],
  paths: {
    '/v1/requests': REQUESTS,
    '/v1/queue': get(
      'Tells of the queue what concerns the caller.',
      'the queue now',
      json({ type: 'object' }),
    ),
    '/v1/openapi.json': get('This document.', 'OpenAPI 3.1', json({ type: 'object' })),
  },
  components: {
    schemas: schemas(),
    securitySchemes: {
      basic: { type: 'http', scheme: 'basic', description: 'name and password of a user' },
      token: { type: 'http', scheme: 'bearer', description: 'an access token of a user' },
    },
    headers: {
      RequestId: { description: 'what the request is called in the logs', schema: { type: 'string' } },
      Code: {
        description: 'stable name of what went wrong',
        schema: { type: 'string', enum: Object.keys(OUTCOMES).filter((code) => code !== 'OK') },
      },
    },
  },
})
