import type { Limits, UserPatch } from '@sluice/userstore'
import type { QuotaText } from '@sluice/wire'
import type { z } from 'zod'
import { date, orNone } from './cli-types.ts'
import type { Written } from './config-types.ts'
import { quota, rate, size, text, wholeNumber } from './config-types.ts'

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
}

export const limitFlags: { [K in keyof LimitFlags]: z.ZodType<LimitFlags[K]> } = {
  up: limit(rate, 'bytes per second from client to target'),
  down: limit(rate, 'bytes per second from target to client'),
  total: limit(rate, 'bytes per second in both directions together'),
  burst: limit(size, 'bytes that may pass at once after a pause'),
  connections: limit(wholeNumber(1), 'connections open at the same time'),
  ips: limit(wholeNumber(1), 'client addresses in use at the same time'),
  quota: limit(quota, 'bytes of both directions, in all or in each day or month'),
  quotaAnchorDay: limit(wholeNumber(1, 31), 'day on which the month of a quota begins, by default the first'),
  quotaZone: limit(text, 'time zone in which its days begin, such as Europe/Berlin, by default UTC'),
  expires: limit(date, 'when the user is refused from; a day begins in UTC'),
}

function limit<T>(type: z.ZodType<T, Written>, description: string): z.ZodType<T | null | undefined> {
  return orNone(type)
    .optional()
    .meta({ description, from: ['flag'] })
}

/** The change that the flags ask for, without what they do not mention. */
export function patchOf(flags: LimitFlags): Pick<UserPatch, 'limits' | 'expiresAt'> {
  const { up, down, total, burst, connections, ips, quotaAnchorDay, quotaZone, expires } = flags
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
  }
}

/** The limits of a new user, where there is nothing to take away. */
export function limitsOf({ limits = {} }: Pick<UserPatch, 'limits'>): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null))
}
