import type { Account } from '@sluice/service'
import type { Credential } from '@sluice/userstore'
import { ssMethod } from '@sluice/wire/shadowsocks'
import { type SsCredential, SsUser } from './ss-user.ts'
import type { TimeSlices } from './time-slices.ts'
import type { Unserved } from './unserved.ts'

/** What the directory says about this door, at one moment. */
export interface Reading {
  /** In the order of the directory. */
  readonly users: readonly SsUser[]
  readonly unserved: readonly Unserved[]
  /** Of the last reading, and of no more use. */
  readonly retired: readonly SsUser[]
}

interface Known {
  credentials: readonly Credential[]
  users: readonly SsUser[]
  unserved: readonly Unserved[]
}

/** The Shadowsocks credentials of all users. One that has not changed stays the same object from reading to reading. */
export class Roster {
  #known: ReadonlyMap<Account, Known> = new Map()

  /** In slices: to read thousands of users takes tens of ms. What changes meanwhile may be in it or not. */
  async read(accounts: Iterable<Account>, slices: TimeSlices): Promise<Reading> {
    const now = new Map<Account, Known>()
    const users: SsUser[] = []
    const unserved: Unserved[] = []
    for (const account of accounts) {
      if (slices.isOver) await slices.pause()
      const { credentials } = account.user
      const before = this.#known.get(account)
      const known = before?.credentials === credentials ? before : readOne(account, before?.users ?? [])
      now.set(account, known)
      users.push(...known.users)
      unserved.push(...known.unserved)
    }
    await slices.breathe()
    const here = new Set(users)
    await slices.breathe()
    const retired: SsUser[] = []
    for (const { users: past } of this.#known.values()) {
      for (const user of past) if (!here.has(user)) retired.push(user)
    }
    this.#known = now
    return { users, unserved, retired }
  }
}

const isSs = (credential: Credential): credential is SsCredential => credential.kind === 'ss'

const readOne = (account: Account, before: readonly SsUser[]): Known => {
  const { credentials, name } = account.user
  const users: SsUser[] = []
  const unserved: Unserved[] = []
  for (const credential of credentials.filter(isSs)) {
    const method = ssMethod(credential.method)
    const problem = method === undefined ? 'METHOD_UNKNOWN' : undefined
    if (method === undefined) {
      unserved.push({ name, port: credential.port, reason: problem!, detail: credential.method.slice(0, 64) })
      continue
    }
    const same = before.find((user) => user.is(method, credential))
    const user = same ?? new SsUser(account, method, credential)
    const wrong = keyProblem(user)
    if (wrong === undefined) users.push(user)
    else unserved.push({ name, port: credential.port, reason: 'KEY_INVALID', detail: wrong })
  }
  return { credentials, users, unserved }
}

/** Only of 2022 methods can a secret be wrong. */
const keyProblem = (user: SsUser): string | undefined => {
  if (user.method.kind !== '2022') return undefined
  try {
    void user.key
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
