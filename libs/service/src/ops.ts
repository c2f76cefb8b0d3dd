import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Log } from './log.ts'
import { isLoopback } from './loopback.ts'
import { AllowedMethods } from './allowed-methods.ts'

export interface OpsOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  /** Of `@sluice/metrics`, or anything that can print itself. */
  registry: { readonly contentType: string; metrics(): Promise<string> }
  /** true, or in a few words why no new session should be sent here. */
  ready: () => true | string
  /** What `/v1/users` tells, where the endpoint is on loopback. */
  users: () => object
  /** What a door serves besides. */
  routes?: readonly OpsRoutes[]
  log: Pick<Log, 'error'>
}

/** Adds routes to the ops endpoint, and makes sure by itself of who may ask. */
export type OpsRoutes = (app: FastifyInstance) => void

export interface Ops {
  readonly address: { host: string; port: number }
  /** Ends open connections too. */
  close(): Promise<void>
}

const PATHS = ['/healthz', '/readyz', '/metrics', '/v1/users'] as const
const MAX_CONNECTIONS = 64

/**
 * `/healthz` (200 while the process lives), `/readyz` (200, or 503 with the reason), `/metrics` and `/v1/users`, all
 * without authentication: whoever can connect may read them, so bind it where only operators can. The last one names
 * users, so it is only there on loopback, and not for web pages that a browser on this machine has opened.
 * @throws the system's error where the address cannot be bound
 */
export async function startOps(options: OpsOptions): Promise<Ops> {
  const { host, port, registry, ready, users, routes = [], log } = options
  // Loaded here, since most subcommands serve nothing.
  const { fastify } = await import('fastify')
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    connectionTimeout: 10_000,
    requestTimeout: 5000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    http: { maxHeaderSize: 8192 },
  })
  app.server.maxConnections = MAX_CONNECTIONS
  const allowed = new AllowedMethods()
  app.addHook('onRoute', ({ url, method }) => allowed.add(url, method))
  app.addHook('onSend', (_request, reply, _payload, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => {
    const state = ready()
    return state === true ? { status: 'ready' } : reply.code(503).send({ status: 'not ready', reason: state })
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  app.get('/v1/users', (request, reply) => {
    const isOurs = isLoopback(boundTo(app).host) && isLoopbackName(request.hostname)
    return isOurs
      ? users()
      : refuse(reply, 403, 'LOOPBACK_ONLY', 'users are only told where --ops is on loopback')
  })
  refuseTheRest(app, allowed, log)
  for (const add of routes) add(app)
  await app.listen({ host, port })
  return { address: boundTo(app), close: () => app.close() }
}

function refuseTheRest(app: FastifyInstance, allowed: AllowedMethods, log: Pick<Log, 'error'>): void {
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed.at(request.url.split('?', 1)[0] ?? '')
    if (methods.length === 0) return refuse(reply, 404, 'NOT_FOUND', `try ${PATHS.join(', ')}`)
    const list = methods.join(', ')
    return refuse(reply.header('allow', list), 405, 'METHOD_NOT_ALLOWED', `only ${list}`)
  })
  app.setErrorHandler((error, _request, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
    if (status < 500) return refuse(reply, status, 'BAD_REQUEST', 'the request is malformed')
    log.error({ err: error }, 'ops.failed')
    return refuse(reply, 500, 'INTERNAL', 'the log has the reason')
  })
}

const refuse = (reply: FastifyReply, status: number, code: string, text: string): FastifyReply =>
  reply.code(status).send({ error: { code, text } })

/** A name that leads here although it is not ours is one that somebody has made lead here: DNS rebinding. */
const isLoopbackName = (name: string): boolean =>
  name === 'localhost' || isLoopback(name.replaceAll(/^\[|\]$/g, ''))

function boundTo(app: FastifyInstance): { host: string; port: number } {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the ops endpoint has no address')
  return { host: address.address, port: address.port }
}
