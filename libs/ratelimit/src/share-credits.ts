import { checkAmount } from './check.ts'
import { Credit } from './credit.ts'
import type { Direction } from './shaped-flow.ts'
import type { Limit } from './token-bucket.ts'

/** Bytes per second each way and over both ways; what is absent is unlimited. */
export interface ShareLimits {
  readonly up?: Limit
  readonly down?: Limit
  readonly total?: Limit
  /** Share of a contended node limit relative to other users. @default 1 */
  readonly weight?: number
}

/** @internal */
export type Credits = Partial<Record<Direction | 'total', Credit>>

const KEYS = ['up', 'down', 'total'] as const

/** @internal @throws RangeError for a rate or burst that is negative or not finite, or a weight that is not above 0 */
export const checkLimits = (limits: ShareLimits): void => {
  for (const key of KEYS) if (limits[key] !== undefined) Credit.check(limits[key])
  checkAmount('weight', limits.weight ?? 1, { least: Number.MIN_VALUE })
}

/** @internal Buckets after a change to limits that are good: those that stay keep their credit. */
export const revise = (credits: Credits, limits: ShareLimits, now: number): Credits => {
  const revised: Credits = {}
  for (const key of KEYS) {
    const limit = limits[key]
    if (limit === undefined) continue
    credits[key]?.set(limit, now)
    revised[key] = credits[key] ?? new Credit(limit, now)
  }
  return revised
}

/** @internal */
export const present = (...credits: (Credit | undefined)[]): Credit[] =>
  credits.filter((credit) => credit !== undefined)
