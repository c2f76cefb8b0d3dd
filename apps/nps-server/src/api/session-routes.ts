import { ApiError } from './api-error.ts'
import { type ApiRoute, route } from './api-route.ts'
import type { Kept } from './managing.ts'
import { SESSION_MS, type Sessions } from './sessions.ts'

type Store = Pick<Kept, 'tokens' | 'audit'>

/** Signing in and out, which any token may do. */
export const sessionRoutes = ({ tokens, audit }: Store, sessions: Sessions): ApiRoute[] => [
  route({
    method: 'POST',
    path: '/v1/session',
    scope: undefined,
    status: 200,
    summary: 'Signs in: a cookie, and a key that goes with it as Sluice-Session, stand for token and code.',
    run: ({ token, by, session, setCookie }) => {
      if (session !== undefined)
        throw new ApiError('AUTH_REQUIRED', 'wanted a token: a session opens no other')
      const proof = sessions.open(token.id)
      setCookie(proof.cookie)
      audit.append({ by, action: 'session.open', id: token.id })
      return { name: token.name, scopes: token.scopes, key: proof.key, lastsMs: SESSION_MS }
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/session',
    scope: undefined,
    status: 204,
    summary: 'Signs out.',
    run: ({ by, token, session, setCookie }) => {
      if (session === undefined) throw new ApiError('AUTH_REQUIRED', 'wanted a session')
      sessions.close(session)
      setCookie('')
      audit.append({ by, action: 'session.close', id: token.id })
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
      if (sessions.closeOf(id) > 0) audit.append({ by, action: 'session.close', id })
    },
  }),
]
