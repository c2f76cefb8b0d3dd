import { describe, expect, it } from 'vitest'
import type { TimeWindow } from './rule.ts'
import { timeMatch, timeWindow, type WallClock } from './time-window.ts'

const read = (value: unknown): TimeWindow => {
  const problems: string[] = []
  const window = timeWindow(value, '', problems)
  expect(problems).toEqual([])
  return window!
}
const matches = (value: unknown, iso: string): boolean => timeMatch([read(value)], new Map())(Date.parse(iso))

const OFFICE = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '09:00',
  to: '17:30',
  zone: 'Europe/Berlin',
}
const NIGHT = { days: 'fri', from: '22:00', to: '06:00' }

describe('a window of the day', () => {
  // 2026-11-20 is a Friday. Berlin is an hour ahead of UTC in winter, two in summer.
  it.each([
    [OFFICE, '2026-11-20T07:59:59Z', false],
    [OFFICE, '2026-11-20T08:00:00Z', true],
    [OFFICE, '2026-11-20T16:29:59Z', true],
    [OFFICE, '2026-11-20T16:30:00Z', false],
    [OFFICE, '2026-11-21T12:00:00Z', false],
    [OFFICE, '2026-07-17T07:00:00Z', true],
    [OFFICE, '2026-07-17T06:59:59Z', false],
    [NIGHT, '2026-11-20T21:59:59Z', false],
    [NIGHT, '2026-11-20T22:00:00Z', true],
    [NIGHT, '2026-11-21T05:59:59Z', true],
    [NIGHT, '2026-11-21T06:00:00Z', false],
    [NIGHT, '2026-11-20T03:00:00Z', false],
    [{ days: 'sat', from: '22:00', to: '06:00' }, '2026-11-22T05:00:00Z', true],
    [{ days: 'sun' }, '2026-11-22T00:00:00Z', true],
    [{ days: 'sun' }, '2026-11-22T23:59:59Z', true],
    [{ days: 'sun' }, '2026-11-23T00:00:00Z', false],
    [{ days: 'mon', zone: 'Pacific/Auckland' }, '2026-11-22T11:00:00Z', true],
    [{ from: '23:00', to: '24:00' }, '2026-11-22T23:30:00Z', true],
    [{ from: '23:00', to: '24:00' }, '2026-11-22T00:00:00Z', false],
    [{ from: '23:00', to: '00:00' }, '2026-11-22T23:30:00Z', true],
    [{ from: '23:00', to: '00:00' }, '2026-11-22T00:00:00Z', false],
    [{ from: '12:00' }, '2026-11-22T12:00:00Z', true],
    [{ from: '12:00' }, '2026-11-22T11:59:59Z', false],
  ])('%j at %s: %s', (window, iso, is) => {
    expect(matches(window, iso)).toBe(is)
  })

  it('is one of several, each in its zone', () => {
    const clocks = new Map<string, WallClock>()
    const match = timeMatch([read(OFFICE), read(NIGHT), read({ days: 'sun', zone: 'Europe/Berlin' })], clocks)
    expect(clocks.size).toBe(2)
    const times = [
      '2026-11-20T10:00:00Z',
      '2026-11-20T23:00:00Z',
      '2026-11-21T23:30:00Z',
      '2026-11-21T12:00:00Z',
    ]
    expect(times.map((iso) => match(Date.parse(iso)))).toEqual([true, true, true, false])
  })
})

it.each([
  [{ from: '9:00' }, '.from: "9:00" is not a time of day, such as "09:30"'],
  [{ from: '24:01' }, '.from: "24:01" is not a time of day, such as "09:30"'],
  [{ to: '12:60' }, '.to: "12:60" is not a time of day, such as "09:30"'],
  [{ to: 720 }, '.to: 720 is not a time of day, such as "09:30"'],
  [{ days: [] }, '.days: empty, wanted at least one value, or no days'],
  [{ days: ['mon', 'Tue'] }, '.days[1]: "Tue" is not one of sun, mon, tue, wed, thu, fri, sat'],
  [{ zone: 'Mars/Olympus' }, '.zone: "Mars/Olympus" is not an IANA time zone, such as Europe/Berlin'],
  [{ from: '09:00', to: '09:00' }, ': from and to are the same; leave both out for the whole day'],
  [{ form: '09:00' }, '.form: unknown key, did you mean from?'],
  [
    'always',
    ': "always" is not a time, such as { days: [mon, fri], from: "09:00", to: "17:30", zone: Europe/Berlin }',
  ],
])('%j is refused', (value, problem) => {
  const problems: string[] = []
  timeWindow(value, '', problems)
  expect(problems).toEqual([problem])
})
