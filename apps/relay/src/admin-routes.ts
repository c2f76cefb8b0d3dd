import { createHash, timingSafeEqual } from 'node:crypto'
import type { OpsRoutes } from '@sluice/service'
import { parseRelayUrl } from '@sluice/wire/relay'
import { z } from 'zod'
import type { RelayAdmin } from './relay-admin.ts'
import type { RelayReport } from './relay-status.ts'

type App = Parameters<OpsRoutes>[0]

export interface AdminRoutesOptions {
  readonly status: () => RelayReport
  readonly admin: RelayAdmin
  /** What operators show; without one nobody can do anything. */
  readonly token: string | undefined
}

const UNKNOWN = { error: { code: 'NOT_FOUND', text: 'there is no such thing' } }
const DENIED = { error: { code: 'DENIED', text: 'wanted: Authorization: Bearer, and the admin token' } }
const invalid = (text: string): object => ({ error: { code: 'BAD_REQUEST', text } })

const BAN = z.strictObject({
  subject: z.string().min(1).max(64),
  /** ms since 1970 */
  expiresAt: z.number().int().positive().optional(),
  reason: z.string().max(256).optional(),
})
const DRAIN = z.strictObject({ address: z.string().max(1024).default('') })

/** Adds `GET /status`, and, where there is a token, what operators do to `/v1/relay`. */
export const relayRoutes =
  ({ status, admin, token }: AdminRoutesOptions): OpsRoutes =>
  (app) => {
    app.get('/status', status)
    if (token !== undefined)
      void app.register((inner) => addAdmin(inner as App, admin, token), { prefix: '/v1/relay' })
  }

const addAdmin = (app: App, admin: RelayAdmin, token: string): Promise<void> => {
  app.addHook('onRequest', async (request, reply) => {
    if (!isBearer(request.headers.authorization, token)) return reply.code(401).send(DENIED)
    return undefined
  })
  app.get('/reservations', () => admin.reservations())
  app.delete<{ Params: { id: string } }>('/reservations/:id', (request, reply) =>
    admin.closeReservation(request.params.id) ? reply.code(204).send() : reply.code(404).send(UNKNOWN),
  )
  app.get('/circuits', () => admin.circuits())
  app.delete<{ Params: { key: string } }>('/circuits/:key', (request, reply) =>
    admin.closeCircuit(request.params.key) ? reply.code(204).send() : reply.code(404).send(UNKNOWN),
  )
  app.get('/bans', () => admin.bans())
  app.post('/bans', (request, reply) => {
    const ban = BAN.safeParse(request.body)
    if (!ban.success)
      return reply.code(400).send(invalid('wanted: subject, and perhaps expiresAt and reason'))
    try {
      admin.ban(ban.data)
      return reply.code(204).send()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return reply.code(400).send(invalid('the subject is neither a NodeID nor a network'))
    }
  })
  app.delete<{ Params: { subject: string } }>('/bans/:subject', (request, reply) =>
    admin.lift(request.params.subject) ? reply.code(204).send() : reply.code(404).send(UNKNOWN),
  )
  app.post('/drain', (request, reply) => {
    const { success, data } = DRAIN.safeParse(request.body ?? {})
    if (!success || !isRelayUrl(data.address)) {
      return reply.code(400).send(invalid('wanted: nothing, or address, the URL of another relay'))
    }
    admin.drain(data.address)
    return reply.code(204).send()
  })
  app.delete('/drain', (_request, reply) => {
    admin.undrain()
    return reply.code(204).send()
  })
  return Promise.resolve()
}

const isRelayUrl = (text: string): boolean => {
  try {
    return text === '' || parseRelayUrl(text) !== undefined
  } catch {
    return false
  }
}

/** Takes as long whatever was shown. */
const isBearer = (header: string | undefined, token: string): boolean =>
  timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
