import { defaultBurst, type Limit, type ShareLimits } from '@sluice/ratelimit'
import type { Limits } from '@sluice/userstore'

/** Limits of users that have none of their own, and how much may burst where a user does not say. */
export interface ShareDefaults {
  /** Bytes per second over both directions. */
  readonly total?: number | undefined
  readonly burst?: number | undefined
}

/** One for all: of thousands of users most have no limits. */
const UNLIMITED: ShareLimits = {}

/** What the shaper is to know of a user. */
export const shareLimits = (limits: Limits, defaults: ShareDefaults): ShareLimits => {
  const { up, down, total } = limits
  const burst = limits.burst ?? defaults.burst
  const none = up === undefined && down === undefined && total === undefined
  if (none && defaults.total === undefined) return UNLIMITED
  const share: { -readonly [K in keyof ShareLimits]: ShareLimits[K] } = {}
  for (const [key, rate] of [
    ['up', up],
    ['down', down],
    ['total', none ? defaults.total : total],
  ] as const) {
    const limit = limitOf(rate, burst)
    if (limit !== undefined) share[key] = limit
  }
  return share
}

const limitOf = (rate: number | undefined, burst: number | undefined): Limit | undefined =>
  rate === undefined ? undefined : { rate, burst: burst ?? defaultBurst(rate) }
