import type { HostRequest, HttpField } from '@sluice/wire'
import type { Scheme } from '../router.ts'

/** What a request wants of a cache. */
export interface Sought {
  readonly method: 'GET' | 'HEAD'
  /** Of what is asked for. */
  readonly key: string
  /** Without its query. */
  readonly path: string
  /** By names in lower case, as the target would see them. */
  readonly headers: Readonly<Record<string, string>>
}

type Asked = Pick<HostRequest, 'method' | 'authority' | 'path' | 'body' | 'upgrade' | 'fields'>

/** Whoever says one of these gets an answer of their own: they bring a password, or want a part. */
const OWN = ['authorization', 'range', 'if-range', 'if-match', 'if-unmodified-since'] as const

/** RFC 9110 §9.2.1 */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

export const isSafe = (method: string): boolean => SAFE.has(method)

/** @param isOurs its Authorization is for this door, and nothing that a target sees */
export const soughtOf = (asked: Asked, scheme: Scheme, isOurs: boolean): Sought | undefined => {
  const { method, path, body, upgrade } = asked
  if ((method !== 'GET' && method !== 'HEAD') || body !== 0 || upgrade !== undefined) return undefined
  const headers = headersOf(asked.fields)
  if (isOurs) delete headers['authorization']
  if (OWN.some((name) => name in headers)) return undefined
  const [plain = path] = path.split('?', 1)
  return { method, key: keyOf(asked, scheme), path: plain, headers }
}

export const keyOf = ({ authority, path }: Pick<Asked, 'authority' | 'path'>, scheme: Scheme): string =>
  `${scheme} ${authority.toLowerCase()} ${path}`

/** Words of these may be spelt in capitals, too. */
const WORDS: ReadonlySet<string> = new Set(['cache-control', 'pragma', 'vary'])

export const headersOf = (fields: readonly HttpField[]): Record<string, string> => {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, written] of fields) {
    const lower = name.toLowerCase()
    const value = WORDS.has(lower) ? written.toLowerCase() : written
    const known = headers[lower]
    headers[lower] = known === undefined ? value : `${known}, ${value}`
  }
  return headers
}
