import { isGroupName, type Limits, type UserPatch } from '@sluice/userstore'
import type { QuotaText } from '@sluice/wire'
import type { z } from 'zod'
import { date, orNone, sourceAddress } from './cli-types.ts'
import type { Written } from './config-types.ts'
import { quota, rate, size, text, textType, wholeNumber } from './config-types.ts'

/** What the flags of `user add` and `user set` say: null takes a limit away, undefined leaves it alone. */
export interface LimitFlags {
  up: number | null | undefined
  down: number | null | undefined
  total: number | null | undefined
  burst: number | null | undefined
  connections: number | null | undefined
  ips: number | null | undefined
  quota: QuotaText | null | undefined
  quotaAnchorDay: number | null | undefined
  quotaZone: string | null | undefined
  expires: number | null | undefined
  groups: string[] | null | undefined
  source: string | null | undefined
}

const groups = textType('NAME[,NAME]', 'names of 1 to 64 characters without colon and blank', (written) => {
  const names = written.split(',').map((name) => name.trim())
  if (!names.every(isGroupName)) throw new RangeError('no name')
  return [...new Set(names)]
})

export const limitFlags: { [K in keyof LimitFlags]: z.ZodType<LimitFlags[K]> } = {
  up: limit(rate, 'bytes per second from client to target'),
  down: limit(rate, 'bytes per second from target to client'),
  total: limit(rate, 'bytes per second in both directions together'),
  burst: limit(size, 'bytes that may pass at once after a pause'),
  connections: limit(wholeNumber(1), 'connections open at the same time'),
  ips: limit(wholeNumber(1), 'client addresses in use at the same time'),
  quota: limit(quota, 'bytes of both directions, in all or in each day, week or month'),
  quotaAnchorDay: limit(
    wholeNumber(1, 31),
    'day on which the month or week of a quota begins, by default the first, of a week Monday',
  ),
  quotaZone: limit(text, 'time zone in which its days begin, such as Europe/Berlin, by default UTC'),
  expires: limit(date, 'when the user is refused from; a day begins in UTC', 'access'),
  groups: limit(groups, 'groups that rules know the user by', 'access'),
  source: limit(
    sourceAddress,
    'address of this machine that connections for the user are made from',
    'access',
  ),
}

function limit<T>(
  type: z.ZodType<T, Written>,
  description: string,
  group = 'limits',
): z.ZodType<T | null | undefined> {
  return orNone(type)
    .optional()
    .meta({ description, from: ['flag'], group })
}

/** The change that the flags ask for, without what they do not mention. */
export function patchOf(flags: LimitFlags): Pick<UserPatch, 'limits' | 'expiresAt' | 'groups' | 'source'> {
  const { up, down, total, burst, connections, ips, quotaAnchorDay, quotaZone } = flags
  const { expires, groups: names, source } = flags
  const quotaBytes = flags.quota && flags.quota.bytes
  // A quota for ever takes the period of the one before it away.
  const quotaPeriod = flags.quota && (flags.quota.period ?? null)
  const limits = {
    up,
    down,
    total,
    burst,
    connections,
    ips,
    quotaBytes,
    quotaPeriod,
    quotaAnchorDay,
    quotaZone,
  }
  const mentioned = Object.entries(limits).filter(([, value]) => value !== undefined)
  return {
    ...(mentioned.length > 0 && { limits: Object.fromEntries(mentioned) }),
    ...(expires !== undefined && { expiresAt: expires }),
    ...(names !== undefined && { groups: names }),
    ...(source !== undefined && { source }),
  }
}

/** The limits of a new user, where there is nothing to take away. */
export function limitsOf({ limits = {} }: Pick<UserPatch, 'limits'>): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null))
}
