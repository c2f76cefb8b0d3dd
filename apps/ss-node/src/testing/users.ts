import { Shaper } from '@sluice/ratelimit'
import { Account } from '@sluice/service'
import type { Limits, User } from '@sluice/userstore'
import { ssMethod } from '@sluice/wire/shadowsocks'
import { SsUser } from '../ss-user.ts'

/** A user of a test, with one Shadowsocks credential. */
export interface TestUser {
  readonly name: string
  readonly port?: number
  readonly method?: string
  readonly secret?: string
  readonly enabled?: boolean
  readonly limits?: Limits
}

export const AES = 'aes-256-gcm'

/** A user as a store has them. */
export const userOf = (test: TestUser): User => ({
  id: test.name,
  name: test.name,
  enabled: test.enabled ?? true,
  limits: test.limits ?? {},
  credentials: [
    {
      kind: 'ss',
      method: test.method ?? AES,
      secret: test.secret ?? `secret of ${test.name}`,
      ...(test.port !== undefined && { port: test.port }),
    },
  ],
})

export const accountOf = (test: TestUser): Account => new Account(userOf(test), new Shaper(), {}, () => {})

/** What the roster makes of a user. */
export const ssUserOf = (test: TestUser): SsUser => {
  const account = accountOf(test)
  const [credential] = account.user.credentials
  if (credential?.kind !== 'ss') throw new Error('no such credential')
  return new SsUser(account, ssMethod(credential.method)!, credential)
}
