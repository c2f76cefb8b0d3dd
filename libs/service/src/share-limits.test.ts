import { defaultBurst } from '@sluice/ratelimit'
import type { Limits } from '@sluice/userstore'
import { expect, it } from 'vitest'
import { type ShareDefaults, shareLimits } from './share-limits.ts'

const limit = (rate: number, burst = defaultBurst(rate)): object => ({ rate, burst })

it.each<[what: string, limits: Limits, defaults: ShareDefaults, share: object]>([
  ['nothing', {}, {}, {}],
  ['nothing but bursts', { burst: 5 }, { burst: 6 }, {}],
  ['limits of their own', { up: 1000, total: 3000 }, { total: 9 }, { up: limit(1000), total: limit(3000) }],
  ['the usual limit', {}, { total: 9000, burst: 8 }, { total: limit(9000, 8) }],
  ['a burst of their own', { down: 1000, burst: 7 }, { burst: 8 }, { down: limit(1000, 7) }],
])('knows of a user with %s', (_what, limits, defaults, share) => {
  expect(shareLimits(limits, defaults)).toEqual(share)
})
