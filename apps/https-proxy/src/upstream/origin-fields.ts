import type { HttpField } from '@sluice/wire'

/** Of this conn alone (RFC 9110 §7.6.1), or ours to say: where a request goes, how long it is, and when its body comes. */
const OURS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** Of a response: Content-Length, Trailer and what a proxy asks for are the client's to know. */
const HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])

/** Names that the fields of Connection say are of this conn alone. */
const named = (fields: readonly HttpField[]): Set<string> => {
  const names = new Set<string>()
  for (const [name, value] of fields) {
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const option of value.split(',')) names.add(option.trim().toLowerCase())
  }
  return names
}

const without = (fields: readonly HttpField[], dropped: ReadonlySet<string>): HttpField[] => {
  const others = named(fields)
  return fields.filter(([name]) => {
    const key = name.toLowerCase()
    return !dropped.has(key) && !others.has(key)
  })
}

/** What of a request's fields goes to its origin. */
export const requestFields = (fields: readonly HttpField[]): HttpField[] => without(fields, OURS)

/** What of a response's fields goes to the client. */
export const responseFields = (fields: readonly HttpField[]): HttpField[] => without(fields, HOP)

/** The value of the first field of that name, in lower case. */
export const fieldOf = (fields: readonly HttpField[], wanted: string): string | undefined =>
  fields.find(([name]) => name.length === wanted.length && name.toLowerCase() === wanted)?.[1]
