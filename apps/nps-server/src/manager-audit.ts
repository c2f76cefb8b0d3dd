import { isDeepStrictEqual } from 'node:util'

const SECRETS = new Set(['vkeyHash', 'publicKey', 'passwordHash', 'hash'])
const HIDDEN = '***'

/** What an audit may show of a record: that there are secrets, not which. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [
    key,
    SECRETS.has(key) ? HIDDEN : withoutSecrets(each),
  ])
  return Object.fromEntries(entries)
}

/** The keys that differ, before and after, without secrets. */
export function difference(before: object, after: object): { before: object; after: object } {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const keys = [...new Set([...old.keys(), ...now.keys()])]
  const changed = keys.filter((key) => !isDeepStrictEqual(old.get(key), now.get(key)))
  const pick = (from: Map<string, unknown>): object =>
    Object(
      withoutSecrets(
        Object.fromEntries(changed.filter((key) => from.has(key)).map((key) => [key, from.get(key)])),
      ),
    )
  return { before: pick(old), after: pick(now) }
}
