import { expect, test } from 'vitest'
import { Rollovers } from './rollover.ts'
import type { Limits, User } from './user.ts'

const user = (id: string, limits: Limits): User => ({ id, name: id, enabled: true, limits, credentials: [] })
const MINUTE_MS = 60_000

test('each new period is due once, whichever way the clock went', () => {
  const noon = Date.UTC(2026, 10, 30, 12)
  const midnight = Date.UTC(2026, 11, 1)
  const rollovers = new Rollovers(noon)
  rollovers.set(user('day', { quotaPeriod: 'day' }), noon)
  rollovers.set(user('month', { quotaPeriod: 'month' }), noon)
  rollovers.set(user('anchored', { quotaPeriod: 'month', quotaAnchorDay: 2 }), noon)
  rollovers.set(user('west', { quotaPeriod: 'day', quotaZone: 'America/New_York' }), noon)
  rollovers.set(user('whole', {}), noon)
  rollovers.set(user('gone', { quotaPeriod: 'day' }), noon)
  rollovers.set(user('freed', { quotaPeriod: 'day' }), noon)
  rollovers.delete('gone')
  rollovers.set(user('freed', {}), noon)

  for (const [now, due] of [
    [noon, []],
    [midnight - 1, []],
    [midnight, ['day', 'month']],
    [midnight + 1, []],
    [midnight + MINUTE_MS, []],
    [midnight + 5 * 60 * MINUTE_MS, ['west']],
    [midnight - MINUTE_MS, ['day', 'month', 'west']],
  ] as const)
    expect(rollovers.due(now), new Date(now).toISOString()).toEqual(due)
})
