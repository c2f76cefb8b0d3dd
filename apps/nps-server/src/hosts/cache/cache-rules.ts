import CachePolicy from 'http-cache-semantics'
import { endToEndFields, type HttpField, type ResponseHead } from '@sluice/wire'
import { headersOf, type Sought } from './sought.ts'
import { StoredAnswer } from './stored-answer.ts'

const STATIC =
  /\.(?:avif|bmp|css|eot|gif|ico|jpe?g|js|json|map|mjs|mp3|mp4|otf|pdf|png|svg|ttf|txt|wasm|webm|webp|woff2?|xml)$/i

const EXPLICIT = /(?:^|[\s,])(?:max-age|s-maxage)\s*=/

/** Makes of an answer's body the answer that is kept. */
export type Keep = (body: Uint8Array) => StoredAnswer

/**
 * Whether others may get this answer (RFC 9111 §3): it says for how long, or is of a kind that seldom changes and says when
 * it did (§4.2.2). Of what the RFC allows the kinds are left out that are mostly mistakes, such as one with Set-Cookie.
 * @returns undefined where they may not
 * @throws WireError for a head that cannot be passed on
 */
export const keepOf = ({ path, headers }: Sought, head: ResponseHead): Keep | undefined => {
  const own = headersOf(head.fields)
  if (head.status !== 200 || own['set-cookie'] !== undefined || !isForAll(own['vary'])) return undefined
  const isGuess = !EXPLICIT.test(own['cache-control'] ?? '') && own['expires'] === undefined
  if (isGuess && (!STATIC.test(path) || headers['cookie'] !== undefined)) return undefined
  const policy = policyOf(headers, own)
  if (!policy.storable() || policy.stale()) return undefined
  const fields = keptFields(head.fields, policy.date())
  return (body) => new StoredAnswer({ policy, fields, body, isGuess })
}

const isForAll = (vary = ''): boolean =>
  vary.split(',').every((name) => ['', 'accept-encoding'].includes(name.trim()))

type Headers = Readonly<Record<string, string>>

/** Nothing stale is ever given, so `must-revalidate` forbids nothing here, where the policy would never give it at all. */
const policyOf = (asked: Headers, own: Headers): CachePolicy => {
  const words = own['cache-control']?.replace(/(?:must|proxy)-revalidate/g, 'revalidate')
  const headers = { ...own, ...(words !== undefined && { 'cache-control': words }) }
  return new CachePolicy({ method: 'GET', headers: asked }, { status: 200, headers }, { shared: true })
}

const keptFields = (fields: readonly HttpField[], date: number): HttpField[] => {
  const kept = endToEndFields(fields).filter(([name]) => !/^(?:age|trailer)$/i.test(name))
  const isDated = kept.some(([name]) => name.toLowerCase() === 'date')
  return isDated ? kept : [...kept, ['Date', new Date(date).toUTCString()]]
}
