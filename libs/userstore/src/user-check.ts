import { isPasswordHash } from './password.ts'
import { isZone, TIME_MAX } from './period.ts'
import { StoreError, type StoreErrorCode } from './store-error.ts'
import {
  isGroupName,
  isOwnerName,
  isSourceAddress,
  isUserName,
  type Credential,
  type Limits,
  type NewUser,
  type UserPatch,
} from './user.ts'

interface Rule {
  wanted: string
  ok(value: unknown): boolean
}

const whole = (max: number, wanted: string): Rule => ({
  wanted,
  ok: (value) => Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= max,
})
const text = (max: number): Rule => ({
  wanted: `a text of 1 to ${max} characters`,
  ok: (value) => typeof value === 'string' && value.length > 0 && value.length <= max,
})
const AMOUNT = whole(Number.MAX_SAFE_INTEGER, 'a whole number above 0')
const PERIOD: Rule = {
  wanted: "'day', 'week' or 'month'",
  ok: (value) => value === 'day' || value === 'week' || value === 'month',
}
const ZONE: Rule = {
  wanted: 'an IANA time zone',
  ok: (value) => typeof value === 'string' && value.length <= 64 && isZone(value),
}
const PASSWORD_HASH: Rule = {
  wanted: 'a hash as hashPassword gives it',
  ok: (value) => typeof value === 'string' && isPasswordHash(value),
}
const GROUPS_MAX = 64
const GROUPS: Rule = {
  wanted: `a list of at most ${GROUPS_MAX} different names of 1 to 64 characters without colon, comma, blank or control character`,
  ok: (value) =>
    Array.isArray(value) &&
    value.length <= GROUPS_MAX &&
    new Set(value).size === value.length &&
    value.every((group) => typeof group === 'string' && isGroupName(group)),
}
const SOURCE: Rule = {
  wanted: 'an IP address of this machine, without zone and no wildcard',
  ok: (value) => typeof value === 'string' && isSourceAddress(value),
}
// The exact text of 32 octets is for whoever has to do with peers to check.
const NODE_ID: Rule = {
  wanted: 'a NodeID, 32 to 44 characters of Base58',
  ok: (value) => typeof value === 'string' && /^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(value),
}
const SHA_256: Rule = {
  wanted: 'a SHA-256, 64 digits of lower-case hex',
  ok: (value) => typeof value === 'string' && /^[\da-f]{64}$/.test(value),
}
const TIME = whole(TIME_MAX, 'ms since 1970, up to the year 9999')
const PORT = whole(65_535, 'a port, 1 to 65535')

const LIMITS = table<keyof Limits, Rule>({
  up: AMOUNT,
  down: AMOUNT,
  total: AMOUNT,
  burst: AMOUNT,
  connections: AMOUNT,
  ips: AMOUNT,
  quotaBytes: AMOUNT,
  quotaPeriod: PERIOD,
  quotaAnchorDay: whole(31, 'a day of the month, 1 to 31'),
  quotaZone: ZONE,
})
const CREDENTIALS = table<Credential['kind'], Record<string, Rule>>({
  password: { hash: PASSWORD_HASH },
  ss: { port: PORT, method: text(64), secret: text(1024) },
  vkey: { hash: text(512) },
  nodeId: { nodeId: NODE_ID },
  token: { hash: SHA_256 },
})
/** All the keys, none forgotten, to be looked up by any text. */
function table<K extends string, T>(record: Record<K, T>): ReadonlyMap<string, T> {
  return new Map<string, T>(Object.entries<T>(record))
}

const CREDENTIALS_MAX = 64
const OPTIONAL = new Set(['port'])

/** What is wrong with a value; the value itself only where it cannot be a secret. */
export interface Problem {
  key: string
  wanted: string
  got?: string
}

/** Throws USER_NAME or USER_VALUE for a user that cannot be. */
export function checkUser(user: NewUser): void {
  throwProblem('USER_NAME', nameProblem(user.name))
  checkPatch(user)
}

/** Throws USER_VALUE for the name of an owner that cannot be. */
export function checkOwner(owner: string): void {
  if (isOwnerName(owner)) return
  throwProblem('USER_VALUE', {
    key: 'owner',
    wanted: '1 to 32 of a-z and 0-9, a letter first',
    got: show(owner),
  })
}

/** Throws USER_VALUE for a change that cannot be. */
export function checkPatch(patch: NewUser | UserPatch): void {
  throwProblem('USER_VALUE', patchProblem(patch))
}

function throwProblem(code: StoreErrorCode, problem: Problem | undefined): void {
  if (problem !== undefined) throw new StoreError(code, `${problem.key}: ${tell(problem)}`)
}

/** A problem without its key. */
export const tell = ({ wanted, got }: Problem): string =>
  `wanted ${wanted}${got === undefined ? '' : `, got ${got}`}`

export function nameProblem(name: unknown): Problem | undefined {
  if (typeof name === 'string' && isUserName(name)) return undefined
  return { key: 'name', wanted: '1 to 255 bytes without colon, blank or control character', got: show(name) }
}

/** As it comes from outside, before anything is known about it. */
export interface RawPatch {
  enabled?: unknown
  expiresAt?: unknown
  limits?: object
  credentials?: unknown
  groups?: unknown
  source?: unknown
}

export function isCredentials(value: unknown): value is readonly Credential[] {
  return credentialsProblem(value) === undefined
}

/** What is wrong with all but the name. */
export function patchProblem(patch: RawPatch): Problem | undefined {
  const { enabled = true, limits, credentials } = patch
  if (typeof enabled !== 'boolean') return { key: 'enabled', wanted: 'true or false', got: show(enabled) }
  const expiresAt = patch.expiresAt ?? 1
  if (!TIME.ok(expiresAt)) return { key: 'expiresAt', wanted: TIME.wanted, got: show(expiresAt) }
  return limitsProblem(limits ?? {}) ?? credentialsProblem(credentials ?? []) ?? fieldProblem(patch)
}

function fieldProblem({ groups, source }: RawPatch): Problem | undefined {
  if (!GROUPS.ok(groups ?? [])) return { key: 'groups', wanted: GROUPS.wanted, got: show(groups) }
  const isSource = source === undefined || source === null || SOURCE.ok(source)
  return isSource ? undefined : { key: 'source', wanted: SOURCE.wanted, got: show(source) }
}

function limitsProblem(limits: object): Problem | undefined {
  for (const [key, value] of Object.entries(limits)) {
    const rule = LIMITS.get(key)
    if (rule === undefined) return { key: `limits.${key}`, wanted: `one of ${[...LIMITS.keys()].join(', ')}` }
    if (value === null || value === undefined || rule.ok(value)) continue
    return { key: `limits.${key}`, wanted: rule.wanted, got: show(value) }
  }
  return undefined
}

function credentialsProblem(credentials: unknown): Problem | undefined {
  if (!Array.isArray(credentials) || credentials.length > CREDENTIALS_MAX)
    return { key: 'credentials', wanted: `a list of at most ${CREDENTIALS_MAX}` }
  const ids = new Set<string>()
  for (const [index, credential] of credentials.entries()) {
    const problem = credentialProblem(credential) ?? twiceProblem(credential, ids)
    if (problem !== undefined) return { ...problem, key: `credentials[${index}]${problem.key}` }
  }
  return undefined
}

function credentialProblem(credential: unknown): Problem | undefined {
  if (typeof credential !== 'object' || credential === null) return { key: '', wanted: 'an object' }
  const fields = new Map<string, unknown>(Object.entries(credential))
  const rules = CREDENTIALS.get(String(fields.get('kind')))
  if (rules === undefined) return { key: '.kind', wanted: `one of ${[...CREDENTIALS.keys()].join(', ')}` }
  for (const key of fields.keys())
    if (key !== 'kind' && !Object.hasOwn(rules, key)) return { key: `.${key}`, wanted: 'no such key' }
  for (const [key, rule] of Object.entries(rules)) {
    const value = fields.get(key)
    if (value === undefined && OPTIONAL.has(key)) continue
    if (!rule.ok(value)) return { key: `.${key}`, wanted: rule.wanted }
  }
  return undefined
}

/** What says by itself who somebody is, `seen` once at most. */
function twiceProblem(credential: Credential, seen: Set<string>): Problem | undefined {
  const { kind } = credential
  if (kind !== 'nodeId' && kind !== 'token') return undefined
  const id = kind === 'nodeId' ? credential.nodeId : credential.hash
  if (seen.has(id)) return { key: `.${kind === 'nodeId' ? kind : 'hash'}`, wanted: 'each once' }
  seen.add(id)
  return undefined
}

/** A value for an error message, short. */
export const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80)
