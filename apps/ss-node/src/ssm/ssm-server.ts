import type { AddressInfo } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { Address } from '@sluice/wire'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { isBearer } from '../remote/bearer.ts'
import type { ServerTls } from '../remote/server-tls.ts'
import { asRemoteError, RemoteError, type RemoteErrorCode } from '../remote/remote-error.ts'
import type { SsmCounters } from './ssm-stats.ts'
import type { SsmUsers } from './ssm-users.ts'

export interface SsmOptions {
  readonly address: Address
  readonly token: string
  /** Of a server that is to speak TLS. */
  readonly tls: ServerTls | undefined
  readonly users: SsmUsers
  readonly counters: SsmCounters
  /** A fault of ours. */
  readonly onFailed: (error: unknown) => void
}

export interface SsmServer {
  readonly address: Address
  /** Ends open connections too. */
  close(): Promise<void>
}

/** Where sing-box has it; the specification leaves that open. */
const PREFIXES = ['', '/server/v1'] as const
const MAX_CONNECTIONS = 64

/** A BUSY node is ours to mend, all else the client's. */
const STATUS: Readonly<Record<RemoteErrorCode, number>> = {
  INVALID: 400,
  EXISTS: 400,
  OWNED: 400,
  TAKEN: 400,
  UNKNOWN: 404,
  UNSUPPORTED: 404,
  BUSY: 503,
}

interface Body<T> {
  readonly type: z.ZodType<T>
  readonly wanted: string
}

const ADDED: Body<{ username: string; uPSK: string }> = {
  type: z.object({ username: z.string(), uPSK: z.string() }),
  wanted: 'username and uPSK, both texts',
}
const CHANGED: Body<{ uPSK: string }> = {
  type: z.object({ uPSK: z.string() }),
  wanted: 'uPSK, a text',
}

/** Serves the Shadowsocks Server Management API v1 (Shadowsocks-NET, 2023-1). @throws the system's error */
export const startSsm = async (options: SsmOptions): Promise<SsmServer> => {
  const { fastify } = await import('fastify')
  const app = fastify({
    logger: false,
    bodyLimit: 16 * 1024,
    connectionTimeout: 10_000,
    requestTimeout: 5000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    http: { maxHeaderSize: 8192 },
    frameworkErrors: (_error, _request, reply) => void refuse(reply, 400, 'the request is malformed'),
    ...(options.tls !== undefined && { https: options.tls.pem }),
  }) as FastifyInstance
  const { server } = app
  options.tls?.follow((pem) => void (server instanceof TlsServer && server.setSecureContext(pem)))
  server.maxConnections = MAX_CONNECTIONS
  guard(app, options)
  for (const prefix of PREFIXES) addRoutes(app, prefix, options)
  await app.listen(options.address)
  const { address: host, port } = server.address() as AddressInfo
  return { address: { host, port }, close: () => app.close() }
}

const guard = (app: FastifyInstance, { token, onFailed }: SsmOptions): void => {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    if (!isBearer(request.headers.authorization, token)) {
      await refuse(
        reply.header('www-authenticate', 'Bearer'),
        401,
        'wanted authorization: Bearer and the token',
      )
    }
  })
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'there is no such thing here'))
  app.setErrorHandler((error, _request, reply) => {
    const remote = asRemoteError(error)
    if (remote !== undefined) return refuse(reply, STATUS[remote.code], remote.message)
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
    if (status < 500) return refuse(reply, status, 'the request is malformed')
    onFailed(error)
    return refuse(reply, 500, 'the log has the reason')
  })
}

const addRoutes = (app: FastifyInstance, prefix: string, options: SsmOptions): void => {
  const { users, counters } = options
  app.get(`${prefix}/`, () => ({ server: 'sluice ss-node', apiVersion: 'v1' }))
  app.get(`${prefix}/stats`, (request) => counters.all(users.list(), wantsClear(request)))
  app.get(`${prefix}/users`, () => ({
    users: users.list().map(({ name }) => ({ username: name, uPSK: users.get(name).secret })),
  }))
  app.post(`${prefix}/users`, async (request, reply) => {
    const { username, uPSK } = bodyOf(ADDED, request)
    await users.add(username, uPSK)
    return reply.code(201).send()
  })
  const path = `${prefix}/users/:name`
  app.get(path, (request) => {
    const user = users.get(nameOf(request))
    return { username: user.name, uPSK: user.secret, ...counters.of(user) }
  })
  // sing-box calls PUT what the specification calls PATCH.
  app.route({
    method: ['PATCH', 'PUT'],
    url: path,
    handler: async (request, reply) => {
      await users.setSecret(nameOf(request), bodyOf(CHANGED, request).uPSK)
      return reply.code(204).send()
    },
  })
  app.delete(path, async (request, reply) => {
    await users.remove(nameOf(request))
    return reply.code(204).send()
  })
}

const refuse = (reply: FastifyReply, status: number, error: string): FastifyReply =>
  reply.code(status).send({ error })

const nameOf = (request: FastifyRequest): string => (request.params as { name: string }).name

const wantsClear = (request: FastifyRequest): boolean =>
  (request.query as { clear?: unknown }).clear === 'true'

const bodyOf = <T>({ type, wanted }: Body<T>, request: FastifyRequest): T => {
  const { success, data } = type.safeParse(request.body)
  if (success) return data
  throw new RemoteError('INVALID', `wanted ${wanted}`)
}
