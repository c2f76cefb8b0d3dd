import { createHmac } from 'node:crypto'
import { SS_DOCUMENT_TYPE, type SsDocument, ssDocument } from '@sluice/wire/shadowsocks'
import type { User } from '@sluice/userstore'
import type { FastifyInstance } from 'fastify'
import { type ServerPlaces, userServers } from '../user-servers.ts'
import { isSame } from './bearer.ts'
import type { Register } from './register.ts'

export interface Sip008Options {
  /** What tokens are made with: {@link sip008Token}. */
  readonly secret: string
  readonly register: Pick<Register, 'byName' | 'used' | 'account'>
  /** @param host by which the client came, without a port */
  readonly places: (host: string) => ServerPlaces
  /** Wall clock, ms. @default Date.now */
  readonly now?: () => number
}

const TOKEN_BYTES = 18

/**
 * What opens the document of one user and of nobody else. It stays when the password changes, so that a client's next
 * fetch brings the new one, and is no more when the user is removed, or the secret changed.
 */
export const sip008Token = (secret: string, { id }: Pick<User, 'id'>): string =>
  createHmac('sha256', secret).update(`sip008 ${id}`).digest().subarray(0, TOKEN_BYTES).toString('base64url')

/** Path and query of a user's document. */
export const sip008Path = (secret: string, user: Pick<User, 'id' | 'name'>): string =>
  `/sip008/${encodeURIComponent(user.name)}?token=${sip008Token(secret, user)}`

/** Adds `GET /sip008/NAME?token=…`: a configuration that clients fetch. A wrong token and a wrong name look the same. */
export const addSip008 = (app: FastifyInstance, options: Sip008Options): void => {
  const { secret, register, places, now = Date.now } = options
  app.get('/sip008/:name', (request, reply) => {
    const { name } = request.params as { name: string }
    const { token } = request.query as { token?: unknown }
    const user = register.byName(name)
    // Also where there is no such user: it takes as long.
    const isTheirs = isSame(typeof token === 'string' ? token : '', sip008Token(secret, user ?? { id: '' }))
    if (user === undefined || !isTheirs) {
      return reply.code(404).send({ error: { code: 'NOT_FOUND', text: 'there is no such document' } })
    }
    const document = documentOf(user, register, places(request.hostname.replaceAll(/^\[|\]$/g, '')), now())
    // A string: fastify would put its own type.
    return reply.header('content-type', SS_DOCUMENT_TYPE).send(JSON.stringify(document))
  })
}

/** Who may not come in has no server; what they used is told all the same. */
const documentOf = (
  user: User,
  register: Sip008Options['register'],
  places: ServerPlaces,
  now: number,
): SsDocument => {
  const { quotaBytes } = user.limits
  const isAdmitted = user.enabled && (user.expiresAt ?? Infinity) > now
  const { up, down } = register.used(user)
  const used = register.account(user)?.used ?? up + down
  return ssDocument({
    servers: isAdmitted ? userServers(user, places).servers : [],
    used,
    remaining: quotaBytes === undefined ? undefined : quotaBytes - used,
  })
}
