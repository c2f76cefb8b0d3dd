import type { Limits } from '@sluice/userstore'
import type { Account } from './account.ts'
import type { Directory } from './directory.ts'

/** A user as they are now. Bytes are payload. */
export interface UserStatus {
  readonly id: string
  readonly name: string
  readonly state: ReturnType<Account['state']>
  readonly connections: number
  /** Client addresses. */
  readonly ips: number
  /** Since the program started. */
  readonly up: number
  readonly down: number
  /** Up and down in the present period, as far as is known here. */
  readonly used: number
  readonly limits: Limits
  /** Missing where there is no quota. */
  readonly quotaLeft?: number
}

/** What `GET /v1/users` tells. */
export interface UserReport {
  readonly app: string
  readonly version: string
  /** Monotonic: the ms of two answers apart are what rates are made from. */
  readonly uptimeMs: number
  /** How many users there are. */
  readonly total: number
  /** 10,000 of them at most, those with connections first. */
  readonly users: readonly UserStatus[]
}

const MAX_USERS = 10_000

/** How many users are in which state. @param now wall clock */
export const userStates = (directory: Directory, now: number): Record<string, number> => {
  const states: Record<string, number> = { active: 0, disabled: 0, expired: 0, quota: 0 }
  for (const account of directory.accounts()) states[account.state(now)]! += 1
  return states
}

/** @param now wall clock */
export const userStatuses = (directory: Directory, now: number): UserStatus[] => {
  const chosen = new Set<Account>()
  for (const accounts of [directory.active, directory.accounts()]) {
    for (const account of accounts) {
      if (chosen.size === MAX_USERS) break
      if (!account.removed) chosen.add(account)
    }
  }
  return [...chosen].map((account) => statusOf(account, now))
}

export const userReport = (about: Pick<UserReport, 'app' | 'version'>, directory: Directory): UserReport => {
  const users = userStatuses(directory, Date.now())
  return { ...about, uptimeMs: performance.now(), total: directory.size, users }
}

const statusOf = (account: Account, now: number): UserStatus => {
  const { user, connections, ips, quota, used } = account
  return {
    id: user.id,
    name: user.name,
    state: account.state(now),
    connections,
    ips,
    ...account.flow.read(),
    used,
    limits: user.limits,
    ...(quota.remaining !== Infinity && { quotaLeft: Math.max(0, quota.remaining) }),
  }
}
