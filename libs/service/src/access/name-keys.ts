import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

const NAME = /^[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63})*$/
const MAX_LENGTH = 253

/**
 * What a pattern of names stands for, as keys that `keysOf` gives for a name that matches:
 * `example.com` is this name, `*.example.com` is every name below, `.example.com` is both. A final dot says nothing, and
 * letters outside ASCII count as their `xn--` form.
 * @returns undefined where it is no such pattern
 */
export const patternKeys = (pattern: string): readonly string[] | undefined => {
  const [, prefix = '', rest = ''] = /^(\*?\.)?(.*?)\.?$/s.exec(pattern) ?? []
  const name = /^[\0-\x7f]*$/.test(rest) ? rest.toLowerCase() : domainToASCII(rest)
  if (name.length > MAX_LENGTH || !NAME.test(name) || isIP(name) !== 0) return undefined
  if (prefix === '') return [name]
  return prefix === '.' ? [name, `.${name}`] : [`.${name}`]
}

/** A host by all keys of patterns that it can match: `a.b.c` is `a.b.c`, `.b.c` and `.c`. None for an IP address. */
export const keysOf = (host: string): readonly string[] => {
  if (isIP(host) !== 0) return []
  const name = (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase()
  const keys = [name]
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) keys.push(name.slice(dot))
  return keys
}
