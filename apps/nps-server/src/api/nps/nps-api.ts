import type { Log } from '@sluice/service'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemOf } from '../api-error.ts'
import type { App } from '../api-server.ts'
import type { AddressGuard } from '../address-guard.ts'
import { AuthKeys, type NpsAuth } from './auth-keys.ts'
import { clientRoutes } from './nps-clients.ts'
import { hostRoutes } from './nps-hosts.ts'
import type { NpsParts, NpsRoutes } from './nps-parts.ts'
import { NpsRefusal } from './nps-refusal.ts'
import { tunnelRoutes } from './nps-tunnels.ts'
import { Params } from './params.ts'

export interface NpsApiOptions extends NpsParts {
  /** Of the configuration: what keys of requests are made of. */
  readonly secret: string
  readonly guard: AddressGuard
  readonly log: Pick<Log, 'error'>
  /** Wall clock, ms. @default Date.now */
  readonly now?: () => number
}

/** Adds the routes of the web API of nps, as scripts for it call them. */
export const npsApi =
  (options: NpsApiOptions) =>
  (app: App): void => {
    void app.register((inner, _options, registered) => {
      add(inner, options)
      registered()
    })
  }

const add = (app: App, options: NpsApiOptions): void => {
  const { secret, guard, log, now = Date.now } = options
  const keys = new AuthKeys(secret, now)
  const form = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(form, { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body))
  app.setErrorHandler((error, _request, reply) => refuse(reply, error, log))
  const post = (path: string, serve: (request: FastifyRequest) => unknown): void => {
    for (const spelt of spellings(path)) app.post(spelt, serve)
  }
  const gettime = (): object => ({ time: Math.floor(now() / 1000) })
  for (const spelt of spellings('/auth/gettime')) app.get(spelt, gettime)
  post('/auth/gettime', gettime)
  for (const { reads, changes } of routesOf(options)) {
    for (const [path, serve] of Object.entries(reads)) {
      post(path, (request) => serve(admitted(request, keys, guard).params, askedOf(request)))
    }
    for (const [path, serve] of Object.entries(changes)) {
      post(path, (request) => {
        const { params, auth } = admitted(request, keys, guard)
        keys.once(auth, path + params.without('auth_key', 'timestamp'))
        return serve(params, askedOf(request))
      })
    }
  }
}

/** Scripts end paths with a slash, as the manual of nps does, or do not. */
const spellings = (path: string): string[] => [path, `${path}/`]

const routesOf = (parts: NpsParts): NpsRoutes[] => [
  clientRoutes(parts),
  tunnelRoutes(parts),
  hostRoutes(parts),
]

/** @throws NpsRefusal; ServiceError AUTH_LIMIT */
const admitted = (
  request: FastifyRequest,
  keys: AuthKeys,
  guard: AddressGuard,
): { params: Params; auth: NpsAuth } => {
  const { ip, url, body } = request
  guard.check(ip)
  const params = new Params(url.split('?', 2)[1] ?? '', typeof body === 'string' ? body : '')
  const auth = { authKey: params.text('auth_key') ?? '', timestamp: params.text('timestamp') ?? '', ip }
  if (!keys.isOurs(auth)) {
    guard.failed(ip)
    throw new NpsRefusal('auth_key is wrong', 401)
  }
  guard.passed(ip)
  keys.admit(auth)
  return { params, auth }
}

const askedOf = ({ hostname }: FastifyRequest): { host: string } => ({ host: hostname })

const refuse = (reply: FastifyReply, thrown: unknown, log: Pick<Log, 'error'>): FastifyReply => {
  if (thrown instanceof NpsRefusal) return reply.code(thrown.status).send({ status: 0, msg: thrown.message })
  const { status, detail, retryAfter } = problemOf(thrown)
  if (status === 500) log.error({ err: thrown }, 'api.failed')
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  return reply.code(isOfRecords(status) ? 200 : status).send({ status: 0, msg: detail })
}

/** What cannot be done for what it is, and not for how it was asked. */
const isOfRecords = (status: number): boolean => status === 404 || status === 409 || status === 422
