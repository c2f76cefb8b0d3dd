import { addToken, removeToken } from '../api-tokens.ts'
import { type ApiRoute, route } from './api-route.ts'
import type { Kept } from './managing.ts'
import { pageOf } from './pages.ts'
import { newToken, pageQuery } from './schemas.ts'

type Store = Pick<Kept, 'tokens' | 'audit' | 'transaction'>

/** Where nobody could come in, makes a token that may do everything, and tells it this once. */
export const makeFirstToken = (store: Store, tell: (line: string) => void): void => {
  if (store.tokens.list().length > 0) return
  const { token } = addToken(store, { name: 'first', scopes: ['read', 'write'] }, 'start')
  tell(`nps-server: token of the web API (shown this once): ${token}`)
}

/** Only for who may write: with the names of tokens alone nobody can do anything, but they are nobody else's business. */
export const tokenRoutes = (store: Store): ApiRoute[] => [
  route({
    method: 'GET',
    path: '/v1/tokens',
    scope: 'write',
    status: 200,
    summary: 'Lists tokens, without their secrets.',
    query: pageQuery,
    run: ({ query }) => pageOf(store.tokens.list(), query),
  }),
  route({
    method: 'POST',
    path: '/v1/tokens',
    scope: 'write',
    status: 201,
    summary: 'Makes a token and tells it this once.',
    body: newToken,
    run: ({ body, by }) => {
      const { token, record, key } = addToken(store, body, by)
      return { ...record, token, ...(key && { key }) }
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/tokens/:id',
    scope: 'write',
    status: 204,
    summary: 'Removes a token; it is void at once.',
    run: ({ id, by }) => removeToken(store, id, by),
  }),
]
