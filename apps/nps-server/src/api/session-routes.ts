import type { Log } from '@sluice/service'
import { ApiError } from './api-error.ts'
import { type ApiRoute, route } from './api-route.ts'
import type { Kept } from './managing.ts'
import { SESSION_MS, type Sessions } from './sessions.ts'

export interface SessionParts {
  readonly store: Pick<Kept, 'tokens' | 'audit'>
  readonly sessions: Sessions
  /** Who comes and goes is told here: in the audit it would have what was changed go, where somebody comes and goes all day. */
  readonly log: Pick<Log, 'info'>
}

/** Signing in and out, which any token may do. */
export const sessionRoutes = ({ store: { tokens, audit }, sessions, log }: SessionParts): ApiRoute[] => [
  route({
    method: 'POST',
    path: '/v1/session',
    scope: undefined,
    status: 200,
    summary: 'Signs in: a cookie, and a key that goes with it as Sluice-Session, stand for token and code.',
    run: ({ token, by, ip, session, setCookie }) => {
      if (session !== undefined)
        throw new ApiError('AUTH_REQUIRED', 'wanted a token: a session opens no other')
      const proof = sessions.open(token.id)
      setCookie(proof.cookie)
      log.info({ client: ip, by }, 'web.signed-in')
      return { name: token.name, scopes: token.scopes, key: proof.key, lastsMs: SESSION_MS }
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/session',
    scope: undefined,
    status: 204,
    summary: 'Signs out.',
    run: ({ by, ip, session, setCookie }) => {
      if (session === undefined) throw new ApiError('AUTH_REQUIRED', 'wanted a session')
      sessions.close(session)
      setCookie('')
      log.info({ client: ip, by }, 'web.signed-out')
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/tokens/:id/sessions',
    scope: 'write',
    status: 204,
    summary: 'Ends all sessions of a token, which stays.',
    run: ({ id, by }) => {
      if (!tokens.list().some((token) => token.id === id))
        throw new ApiError('RECORD_UNKNOWN', `there is no token ${id}`)
      if (sessions.closeOf(id) > 0) audit.append({ by, action: 'token.end-sessions', id })
    },
  }),
]
