import type { AddressInfo } from 'node:net'
import { AllowedMethods, type Log } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { ApiError, checked, problemOf } from './api-error.ts'
import type { ApiRoute, Made, MadeList } from './api-route.ts'
import type { PageQuery } from './schemas.ts'
import { readCookie, writeCookie } from './session-cookie.ts'
import type { Admitted, Shown, TokenGuard } from './token-guard.ts'

export type App = FastifyInstance

export interface ApiServerOptions {
  readonly address: Address
  readonly routes: readonly ApiRoute[]
  readonly tokens: TokenGuard
  /** What is served besides. */
  readonly more: readonly ((app: App) => void)[]
  readonly log: Pick<Log, 'error'>
}

export interface ApiServer {
  readonly address: Address
  /** Ends open connections too. */
  close(): Promise<void>
}

const MAX_BODY_BYTES = 64 * 1024
const MAX_CONNECTIONS = 256

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

/** @throws the system's error where the address cannot be bound */
export const startApi = async (options: ApiServerOptions): Promise<ApiServer> => {
  const { address, routes, more, tokens, log } = options
  // Loaded here, since commands serve nothing.
  const { fastify } = await import('fastify')
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    connectionTimeout: 10_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    http: { maxHeaderSize: 8192, headersTimeout: 5000, connectionsCheckingInterval: 1000 },
    frameworkErrors: (error, _request, reply) => void refuse(reply, error, log),
  })
  app.server.maxConnections = MAX_CONNECTIONS
  app.removeContentTypeParser('text/plain')
  app.decorateRequest('admitted')
  guard(app, log)
  for (const each of routes) serve(app, each, tokens)
  for (const add of more) add(app)
  await app.listen({ ...address })
  const { address: host, port } = app.server.address() as AddressInfo
  return { address: { host, port }, close: () => app.close() }
}

const guard = (app: App, log: ApiServerOptions['log']): void => {
  const allowed = new AllowedMethods()
  app.addHook('onRoute', ({ url, method }) => allowed.add(url, method))
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(HEADERS)
    done()
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed.at(pathOf(request))
    if (methods.length === 0)
      return refuse(reply, new ApiError('NOT_FOUND', 'there is no such thing here'), log)
    const list = methods.join(', ')
    return refuse(reply.header('allow', list), new ApiError('METHOD_NOT_ALLOWED', `only ${list}`), log)
  })
  app.setErrorHandler((error, _request, reply) => refuse(reply, error, log))
}

const serve = (
  app: App,
  { method, path, scope, status, run, ...schemas }: ApiRoute,
  tokens: TokenGuard,
): void => {
  app.route({
    method,
    url: path,
    // Before the body is read: who has no token gets none of our memory.
    onRequest: (request, _reply, done) => {
      request.setDecorator('admitted', tokens.admit(shownBy(request), scope))
      done()
    },
    handler: async (request, reply) => {
      const { token, session } = request.getDecorator<Admitted>('admitted')
      const query = checked(schemas.query ?? NO_QUERY, request.query, 'the query')
      const id = idOf(request)
      const body = schemas.body === undefined ? undefined : checked(schemas.body, request.body, 'the body')
      const setCookie = (value: string): void =>
        void reply.header('set-cookie', writeCookie(value, isSecure(request)))
      const answer = await run({
        id,
        body,
        query,
        token,
        session,
        setCookie,
        ip: request.ip,
        by: `token:${token.id}`,
      })
      if (status === 201) reply.header('location', placeOf(path, answer as Made | MadeList))
      return status === 204 ? reply.code(204).send() : reply.code(status).send(answer)
    },
  })
}

const shownBy = ({ headers, ip }: FastifyRequest): Shown => ({
  authorization: headers.authorization,
  code: textOf(headers['sluice-code']),
  proof: { cookie: readCookie(headers.cookie), key: textOf(headers['sluice-session']) ?? '' },
  ip,
})

const textOf = (header: string | string[] | undefined): string | undefined => header?.toString()

/** Whoever says so falsely gets a cookie that is of less use. */
const isSecure = ({ headers }: FastifyRequest): boolean => headers['x-forwarded-proto'] === 'https'

const NO_QUERY = z.strictObject({}) as unknown as z.ZodType<PageQuery>

const placeOf = (path: string, made: Made | MadeList): string => ('id' in made ? `${path}/${made.id}` : path)

/** 0 where the path has none. @throws ApiError NOT_FOUND */
const idOf = ({ params }: FastifyRequest): number => {
  const { id = '0' } = params as { id?: string }
  if (/^\d{1,15}$/.test(id)) return Number(id)
  throw new ApiError('NOT_FOUND', 'ids are whole numbers')
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? ''

/** Told as a problem (RFC 9457). What is ours to mend goes to the log. */
const refuse = (reply: FastifyReply, thrown: unknown, log: ApiServerOptions['log']): FastifyReply => {
  const problem = problemOf(thrown)
  const { status, retryAfter } = problem
  if (status === 500) log.error({ err: thrown }, 'api.failed')
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="Sluice"')
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  return reply.code(status).type('application/problem+json').send(problem)
}
