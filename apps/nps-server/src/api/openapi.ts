import { z } from 'zod'
import { API_CODES } from './api-error.ts'
import type { ApiRoute } from './api-route.ts'

type Json = Readonly<Record<string, unknown>>

const BODY = 'application/json'
const PROBLEM = {
  description: 'it was not done',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}
const ID = {
  name: 'id',
  in: 'path',
  required: true,
  schema: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
}
const PROBLEM_SCHEMA = {
  description: 'RFC 9457',
  type: 'object',
  required: ['title', 'status', 'code', 'detail'],
  properties: {
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: API_CODES, description: 'stable' },
    detail: { type: 'string' },
    retryAfter: { type: 'integer', description: 'seconds' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['at', 'text'],
        properties: { at: { type: 'string', description: 'JSON Pointer' }, text: { type: 'string' } },
      },
    },
  },
}

const SECURITY = {
  token: { type: 'http', scheme: 'bearer', description: 'of /v1/tokens' },
  code: {
    type: 'apiKey',
    in: 'header',
    name: 'Sluice-Code',
    description: 'of tokens with `totp`: each once',
  },
  cookie: { type: 'apiKey', in: 'cookie', name: 'sluice-session', description: 'of POST /v1/session' },
  session: { type: 'apiKey', in: 'header', name: 'Sluice-Session', description: 'its `key`' },
}

/** OpenAPI 3.1, made of the routes that are served and the schemas that requests are checked with. */
export const openApiDocument = (version: string, routes: readonly ApiRoute[]): object => ({
  openapi: '3.1.0',
  info: {
    title: 'Sluice nps-server',
    version,
    description:
      'Clients, tunnels and hosts. Amounts are whole bytes, rates bytes a second, times ms since 1970; `inlet` came from visitors, `export` went to them.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  security: [{ token: [] }, { token: [], code: [] }, { cookie: [], session: [] }],
  paths: pathsOf(routes),
  components: {
    schemas: { ...Object.fromEntries(routes.flatMap(named)), Problem: PROBLEM_SCHEMA },
    securitySchemes: SECURITY,
  },
})

const pathsOf = (routes: readonly ApiRoute[]): Json => {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = (paths[route.path.replace(':id', '{id}')] ??= {})
    path[route.method.toLowerCase()] = operationOf(route)
  }
  return paths
}

const operationOf = (route: ApiRoute): Json => {
  const { summary, scope, status, body } = route
  const parameters = [...(route.path.includes(':id') ? [ID] : []), ...queryOf(route)]
  return {
    summary,
    description: scope === undefined ? 'For all tokens.' : `For tokens of scope ${scope}.`,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: { [BODY]: { schema: { $ref: `#/components/schemas/${titleOf(body)}` } } },
      },
    }),
    responses: { [status]: answerOf(status), default: PROBLEM },
  }
}

const answerOf = (status: number): Json =>
  status === 204
    ? { description: 'done' }
    : {
        description: status === 201 ? 'made' : 'done',
        content: { [BODY]: { schema: { type: 'object' } } },
        ...(status === 201 && {
          headers: { Location: { description: 'where it is', schema: { type: 'string' } } },
        }),
      }

const queryOf = ({ query }: ApiRoute): Json[] => {
  if (query === undefined) return []
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' })
  return Object.entries(properties).map(([name, described]) => {
    // The text that a number is written as says nothing to who reads of a number.
    const { description, pattern: _, ...schema } = described as Json
    return { name, in: 'query', description, schema }
  })
}

const named = ({ body }: ApiRoute): [string, object][] => {
  if (body === undefined) return []
  const { $schema: _, title: __, ...schema } = z.toJSONSchema(body, { io: 'input' })
  return [[titleOf(body), schema]]
}

const titleOf = (schema: z.ZodType): string => String(schema.meta()?.['title'])
