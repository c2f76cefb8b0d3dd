import { isPasswordHash, PASSWORD_MAX_BYTES } from './password.ts'
import { isCredentials, nameProblem, patchProblem, show, tell, type Problem } from './user-check.ts'
import { StoreError } from './store-error.ts'
import type { Credential, Limits, NewUser, User } from './user.ts'

// Key in the file -> key of Limits.
const LIMITS: Record<string, keyof Limits> = {
  up: 'up',
  down: 'down',
  total: 'total',
  burst: 'burst',
  connections: 'connections',
  ips: 'ips',
  quota: 'quotaBytes',
  quotaPeriod: 'quotaPeriod',
  quotaAnchorDay: 'quotaAnchorDay',
  quotaZone: 'quotaZone',
}
const KEYS = [
  ...['name', 'enabled', 'expires', 'password', 'passwordHash', 'credentials', 'groups', 'source'],
  ...Object.keys(LIMITS),
]
const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/

type Entry = Record<string, unknown>

/**
 * The users of a users file; README.md shows one. A `password` in clear becomes a hash by `hashPassword`.
 * @throws StoreError STORE_FORMAT, with file, key and what was wanted; never with a secret
 */
export function parseUsers(
  text: string,
  file: string,
  hashPassword: (password: string) => string,
): NewUser[] {
  const list = usersOf(parseJson(text, file), file)
  const seen = new Set<unknown>()
  return list.map((value, index) => {
    const path = `users[${index}]`
    const entry = isObject(value) ? value : fail(file, { key: path, wanted: 'an object' })
    const problem = entryProblem(entry) ?? (seen.has(entry['name']) ? twice(entry) : undefined)
    if (problem !== undefined) fail(file, { ...problem, key: `${path}.${problem.key}` })
    seen.add(entry['name'])
    return userOf(entry, hashPassword)
  })
}

/** The text of a users file, for people to read and edit. */
export function formatUsers(users: readonly User[]): string {
  return `${JSON.stringify({ users: users.map(entryOf) }, undefined, 2)}\n`
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // Node's own message quotes the text around the mistake, which may be a password.
    const [place] = /line \d+ column \d+/.exec(String(error)) ?? []
    return fail(file, { key: place ?? 'text', wanted: 'valid JSON' })
  }
}

function usersOf(value: unknown, file: string): readonly unknown[] {
  const top = isObject(value) ? value : fail(file, { key: 'text', wanted: 'an object' })
  const odd = Object.keys(top).find((key) => key !== 'users')
  if (odd !== undefined) fail(file, { key: odd, wanted: 'no key but users' })
  const users = top['users']
  return Array.isArray(users) ? users : fail(file, { key: 'users', wanted: 'a list' })
}

function entryProblem(entry: Entry): Problem | undefined {
  const odd = Object.keys(entry).find((key) => !KEYS.includes(key))
  if (odd !== undefined) return { key: odd, wanted: `one of ${KEYS.join(', ')}` }
  return (
    nameProblem(entry['name']) ??
    expiresProblem(entry['expires']) ??
    passwordProblem(entry) ??
    inFile(patchProblem({ ...entry, limits: limitsOf(entry) }))
  )
}

function expiresProblem(expires: unknown): Problem | undefined {
  if (expires === undefined || expires === null || !Number.isNaN(expiryOf(expires))) return undefined
  return {
    key: 'expires',
    wanted: "a date, such as '2027-01-31' or '2027-01-31T12:00:00Z'",
    got: show(expires),
  }
}

function passwordProblem({ password, passwordHash }: Entry): Problem | undefined {
  if (password !== undefined && passwordHash !== undefined)
    return { key: 'password', wanted: 'either password or passwordHash' }
  if (password !== undefined && !(typeof password === 'string' && isPassword(password)))
    return { key: 'password', wanted: 'a text of 1 to 1024 bytes' }
  if (passwordHash !== undefined && !(typeof passwordHash === 'string' && isPasswordHash(passwordHash)))
    return { key: 'passwordHash', wanted: 'a hash as hashPassword gives it' }
  return undefined
}

/** A problem of a User, under the key that the value has in the file. */
function inFile(problem: Problem | undefined): Problem | undefined {
  const limit = Object.entries(LIMITS).find(([, key]) => problem?.key === `limits.${key}`)
  return problem && limit ? { ...problem, key: limit[0] } : problem
}

function userOf(entry: Entry, hashPassword: (password: string) => string): NewUser {
  const { password, passwordHash, expires, groups, source } = entry
  const hash = typeof password === 'string' ? hashPassword(password) : passwordHash
  const first: Credential[] = typeof hash === 'string' ? [{ kind: 'password', hash }] : []
  return {
    name: String(entry['name']),
    enabled: entry['enabled'] !== false,
    ...(typeof expires === 'string' && { expiresAt: expiryOf(expires) }),
    limits: limitsOf(entry),
    credentials: [...first, ...credentialsOf(entry)],
    ...(Array.isArray(groups) && { groups: groups.map(String) }),
    ...(typeof source === 'string' && { source }),
  }
}

function entryOf({ name, enabled, expiresAt, limits, credentials, groups, source }: User): Entry {
  const [first, ...rest] = credentials
  const hash = first?.kind === 'password' ? first.hash : undefined
  const others = hash === undefined ? credentials : rest
  return {
    name,
    ...(!enabled && { enabled }),
    ...(expiresAt !== undefined && { expires: new Date(expiresAt).toISOString() }),
    ...Object.fromEntries(Object.entries(LIMITS).map(([key, limit]) => [key, limits[limit]])),
    ...(hash !== undefined && { passwordHash: hash }),
    ...(others.length > 0 && { credentials: others }),
    ...(groups !== undefined && { groups }),
    ...(source !== undefined && { source }),
  }
}

const limitsOf = (entry: Entry): Limits =>
  Object.fromEntries(
    Object.entries(LIMITS)
      .filter(([key]) => Object.hasOwn(entry, key))
      .map(([key, limit]) => [limit, entry[key]]),
  )

const credentialsOf = ({ credentials }: Entry): readonly Credential[] =>
  isCredentials(credentials) ? credentials : []

const expiryOf = (expires: unknown): number =>
  typeof expires === 'string' && DATE.test(expires) ? Date.parse(expires) : Number.NaN

const isPassword = (text: string): boolean => text !== '' && Buffer.byteLength(text) <= PASSWORD_MAX_BYTES

const isObject = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const twice = (entry: Entry): Problem => ({ key: 'name', wanted: 'each name once', got: show(entry['name']) })

function fail(file: string, problem: Problem): never {
  throw new StoreError('STORE_FORMAT', `${file}: ${problem.key}: ${tell(problem)}`)
}
