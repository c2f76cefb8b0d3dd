import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dayAt, isZone, periodAt } from './period.ts'
import type { Limits } from './user.ts'

const at = (iso: string): number => Date.parse(iso)

const month = (quotaAnchorDay: number, quotaZone?: string): Limits =>
  ({ quotaPeriod: 'month', quotaAnchorDay, ...(quotaZone !== undefined && { quotaZone }) }) as const

const week = (quotaAnchorDay: number): Limits => ({ quotaPeriod: 'week', quotaAnchorDay })

describe('periodAt', () => {
  test.each<[limits: Limits, at: string, period: string, end: string]>([
    [{}, '2026-11-21T12:00:00Z', 'all', '~'],
    [{ quotaPeriod: 'day' }, '2026-12-31T23:59:59.999Z', 'day:2026-12-31', '2027-01-01'],
    [{ quotaPeriod: 'month' }, '2026-12-31T23:59:59Z', 'month:2026-12-01', '2027-01-01'],
    [month(15), '2026-12-14T23:59:59Z', 'month:2026-11-15', '2026-12-15'],
    [month(15), '2026-12-15T00:00:00Z', 'month:2026-12-15', '2027-01-15'],
    [month(15), '2027-01-14T00:00:00Z', 'month:2026-12-15', '2027-01-15'],
    // The 31st of a shorter month is its last day.
    [month(31), '2027-02-27T23:59:59Z', 'month:2027-01-31', '2027-02-28'],
    [month(31), '2027-02-28T00:00:00Z', 'month:2027-02-28', '2027-03-31'],
    [month(31), '2027-03-30T00:00:00Z', 'month:2027-02-28', '2027-03-31'],
    [month(30), '2028-02-29T00:00:00Z', 'month:2028-02-29', '2028-03-30'],
    [{ quotaPeriod: 'week' }, '2026-11-15T23:59:59Z', 'week:2026-11-09', '2026-11-16'],
    [{ quotaPeriod: 'week' }, '2026-11-16T00:00:00Z', 'week:2026-11-16', '2026-11-23'],
    [{ quotaPeriod: 'week' }, '2027-01-01T00:00:00Z', 'week:2026-12-28', '2027-01-04'],
    [week(7), '2026-11-15T00:00:00Z', 'week:2026-11-15', '2026-11-22'],
    [week(3), '2026-11-17T00:00:00Z', 'week:2026-11-11', '2026-11-18'],
    // A week has no 15th day.
    [week(15), '2026-11-15T00:00:00Z', 'week:2026-11-15', '2026-11-22'],
    // Midnight is the zone's, also on days of 23 and 25 hours, and where noon UTC is tomorrow.
    [
      { quotaPeriod: 'day', quotaZone: 'Europe/Berlin' },
      '2027-03-27T22:59:59Z',
      'day:2027-03-27',
      '2027-03-28',
    ],
    [
      { quotaPeriod: 'day', quotaZone: 'Europe/Berlin' },
      '2027-03-27T23:00:00Z',
      'day:2027-03-28',
      '2027-03-29',
    ],
    [
      { quotaPeriod: 'day', quotaZone: 'Europe/Berlin' },
      '2027-03-28T22:00:00Z',
      'day:2027-03-29',
      '2027-03-30',
    ],
    [
      { quotaPeriod: 'day', quotaZone: 'Europe/Berlin' },
      '2026-10-25T22:59:59Z',
      'day:2026-10-25',
      '2026-10-26',
    ],
    [month(1, 'Pacific/Kiritimati'), '2026-11-30T10:00:00Z', 'month:2026-12-01', '2027-01-01'],
    [month(1, 'America/New_York'), '2026-12-01T04:59:59Z', 'month:2026-11-01', '2026-12-01'],
  ])('%j at %s is %s, until %s', (limits, iso, name, end) => {
    expect(periodAt(limits, at(iso))).toMatchObject({ name, end })
  })

  const zones = fc.constantFrom(
    undefined,
    'UTC',
    'Europe/Berlin',
    'Asia/Kathmandu',
    'America/St_Johns',
    'Pacific/Apia',
  )
  const times = fc.integer({ min: at('2000-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') })

  test('a period holds its day, and the next one begins where it ends', () => {
    fc.assert(
      fc.property(
        zones,
        times,
        fc.integer({ min: 1, max: 31 }),
        fc.constantFrom('day', 'week', 'month'),
        (zone, now, day, kind) => {
          const limits: Limits = { ...month(day, zone), quotaPeriod: kind }
          const { begin, end } = periodAt(limits, now)
          const today = dayAt(zone, now)
          expect(begin <= today && today < end).toBe(true)
          // Noon of the last day at the end's side, in a zone that is no more than 14 h away from it.
          const inUtc: Limits = { ...limits, quotaZone: 'UTC' }
          expect(periodAt(inUtc, at(`${end}T12:00:00Z`)).begin).toBe(end)
          expect(periodAt(inUtc, at(`${begin}T12:00:00Z`)).end).toBe(end)
        },
      ),
    )
  })
})

test.each([
  ['UTC', true],
  ['Europe/Berlin', true],
  ['', false],
  ['Europe/Nowhere', false],
])('isZone(%j) is %s', (zone, known) => expect(isZone(zone)).toBe(known))
