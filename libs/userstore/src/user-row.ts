import type { Credential, Limits, NewUser, User, UserPatch } from './user.ts'

/** A user as the users table has it; lists and limits as JSON. */
export interface UserRow {
  id: string
  name: string
  owner: string | null
  enabled: number
  expires_at: number | null
  limits: string
  credentials: string
  groups: string | null
  source: string | null
  /** Wall clock, ms; null while they are there. */
  removed_at: number | null
}

export const USER_COLUMNS =
  'id, name, owner, enabled, expires_at, limits, credentials, groups, source, removed_at'

export const rowOf = (user: User, removedAt: number | null = null): UserRow => ({
  id: user.id,
  name: user.name,
  owner: user.owner ?? null,
  enabled: user.enabled ? 1 : 0,
  expires_at: user.expiresAt ?? null,
  limits: JSON.stringify(user.limits),
  credentials: JSON.stringify(user.credentials),
  groups: user.groups === undefined ? null : JSON.stringify(user.groups),
  source: user.source ?? null,
  removed_at: removedAt,
})

export function userOf(row: UserRow): User {
  const limits: Limits = JSON.parse(row.limits)
  const credentials: Credential[] = JSON.parse(row.credentials)
  const groups: string[] = JSON.parse(row.groups ?? '[]')
  const { id, name, owner, source, expires_at: expiresAt } = row
  return {
    id,
    name,
    ...(owner !== null && { owner }),
    enabled: row.enabled === 1,
    ...(expiresAt !== null && { expiresAt }),
    limits,
    credentials,
    ...(groups.length > 0 && { groups }),
    ...(source !== null && { source }),
  }
}

/** A user of whom nothing is known yet, for `merge`. */
export const blank = (id: string, name: string, owner?: string): User => ({
  id,
  name,
  ...(owner !== undefined && { owner }),
  enabled: true,
  limits: {},
  credentials: [],
})

/** The user after a change. */
export function merge(user: User, patch: Omit<NewUser, 'name'> | UserPatch): User {
  const expiresAt = patch.expiresAt === undefined ? user.expiresAt : patch.expiresAt
  const groups = (patch.groups === undefined ? user.groups : patch.groups) ?? []
  const source = patch.source === undefined ? user.source : patch.source
  return {
    id: user.id,
    name: user.name,
    ...(user.owner !== undefined && { owner: user.owner }),
    enabled: patch.enabled ?? user.enabled,
    ...(typeof expiresAt === 'number' && { expiresAt }),
    limits: mergeLimits(user.limits, patch.limits ?? {}),
    credentials: [...(patch.credentials ?? user.credentials)],
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(typeof source === 'string' && { source }),
  }
}

function mergeLimits(limits: Limits, patch: NonNullable<UserPatch['limits']>): Limits {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  const merged = Object.entries({ ...limits, ...Object.fromEntries(given) })
  return Object.fromEntries(merged.filter(([, value]) => value !== null))
}
