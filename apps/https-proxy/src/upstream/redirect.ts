import { ServiceError } from '@sluice/service'
import type { HttpField } from '@sluice/wire'
import { fieldOf } from './origin-fields.ts'
import { isStream, type OriginRequest } from './origin-conn.ts'

/** Not for another origin than they were given for. */
const SECRET = new Set(['authorization', 'cookie', 'proxy-authorization'])
/** Of a body, which is gone. */
const OF_BODY = new Set(['content-encoding', 'content-language', 'content-location', 'content-type'])

const without = (fields: readonly HttpField[], dropped: ReadonlySet<string>): HttpField[] =>
  fields.filter(([name]) => !dropped.has(name.toLowerCase()))

/**
 * The request that a response asks for, as the Fetch standard has it (HTTP-redirect fetch).
 * @param left how many more may be followed
 * @returns undefined where the response is to be taken as it is: it is no redirect, leads nowhere that can be asked, or
 *   the body would have to be sent again and is gone
 * @throws ServiceError REDIRECT_LIMIT: one too many, or from https to http
 */
export const redirected = (
  request: OriginRequest,
  status: number,
  fields: readonly HttpField[],
  left: number,
): OriginRequest | undefined => {
  const url = isRedirect(status) ? targetOf(request.url, fieldOf(fields, 'location')) : undefined
  if (url === undefined) return undefined
  const next = becomesGet(status, request.method)
    ? {
        ...request,
        method: 'GET',
        body: undefined,
        bodyBytes: undefined,
        fields: without(request.fields, OF_BODY),
      }
    : request
  if (isStream(next.body)) return undefined
  if (left <= 0) throw new ServiceError('REDIRECT_LIMIT')
  if (request.url.protocol === 'https:' && url.protocol === 'http:')
    throw new ServiceError('REDIRECT_LIMIT', `${request.url.host} redirects from https to http`)
  const isSame = url.origin === request.url.origin
  return { ...next, url, fields: isSame ? next.fields : without(next.fields, SECRET) }
}

const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308

const becomesGet = (status: number, method: string): boolean =>
  status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST'

const targetOf = (from: URL, location: string | undefined): URL | undefined => {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined
  const url = new URL(location, from)
  url.username = ''
  url.password = ''
  if (url.hash === '') url.hash = from.hash
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}
