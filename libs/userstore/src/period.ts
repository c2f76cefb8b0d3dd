import type { Limits } from './user.ts'

/** The stretch of whole local days, `begin` up to but not including `end` ('YYYY-MM-DD'), that a user's quota counts. */
export interface Period {
  /** 'all', 'day:2026-11-21', 'week:2026-11-16' or 'month:2026-11-15', after the day it begins on. */
  name: string
  begin: string
  end: string
}

const ALL: Period = { name: 'all', begin: '', end: '~' }
/** Times beyond the year 9999 would need a fifth digit, and days would no longer sort as text. */
export const TIME_MAX = 253_402_300_799_999

/** The period of `limits` at wall time `at` (ms): it begins at midnight in the user's zone. */
export function periodAt(limits: Limits, at: number): Period {
  return limits.quotaPeriod === undefined ? ALL : periodOn(limits, dayAt(limits.quotaZone, at))
}

/** The period of `limits` that a local day, 'YYYY-MM-DD', belongs to. */
export function periodOn(limits: Limits, day: string): Period {
  if (limits.quotaPeriod === undefined) return ALL
  if (limits.quotaPeriod === 'day') return { name: `day:${day}`, begin: day, end: nextDay(day) }
  const anchor = limits.quotaAnchorDay ?? 1
  if (limits.quotaPeriod === 'week') return weekOn(day, anchor)
  const [year, month, date] = split(day)
  const first = date >= Math.min(anchor, monthLength(year, month)) ? month : month - 1
  const begin = anchored(year, first, anchor)
  return { name: `month:${begin}`, begin, end: anchored(year, first + 1, anchor) }
}

/** Days are counted as in ISO 8601: 1 is Monday, 7 is Sunday, and an anchor beyond it is Sunday too. */
function weekOn(day: string, anchor: number): Period {
  const [year, month, date] = split(day)
  const weekday = new Date(Date.UTC(year, month, date)).getUTCDay() || 7
  const first = date - ((weekday - Math.min(anchor, 7) + 7) % 7)
  const begin = dayText(year, month, first)
  return { name: `week:${begin}`, begin, end: dayText(year, month, first + 7) }
}

interface Zone {
  format: Intl.DateTimeFormat
  at: number
  day: string
}
const zones = new Map<string, Zone>()
/** The one asked for last: a batch asks for the same one many times. */
const utc = { at: Number.NaN, day: '' }

/** The local day, 'YYYY-MM-DD', at wall time `at` (ms) in an IANA zone, by default UTC. */
export function dayAt(zone: string | undefined, at: number): string {
  if (zone === undefined) return utcDayAt(at)
  let cached = zones.get(zone)
  if (cached === undefined) zones.set(zone, (cached = { format: dayFormat(zone), at: Number.NaN, day: '' }))
  if (cached.at !== at) {
    cached.day = formatDay(cached.format, at)
    cached.at = at
  }
  return cached.day
}

function utcDayAt(at: number): string {
  if (utc.at !== at) {
    utc.day = new Date(at).toISOString().slice(0, 10)
    utc.at = at
  }
  return utc.day
}

/** Whether this Node knows the time zone. */
export function isZone(zone: string): boolean {
  try {
    dayFormat(zone)
    return true
  } catch {
    return false
  }
}

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  const gregorian = { calendar: 'gregory', numberingSystem: 'latn' }
  return new Intl.DateTimeFormat('en', {
    ...gregorian,
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  })
}

function formatDay(format: Intl.DateTimeFormat, at: number): string {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
  for (const { type, value } of format.formatToParts(at)) parts[type] = value
  return dayText(Number(parts.year), Number(parts.month) - 1, Number(parts.day))
}

/** The anchor day of a month counted from 0, which may be -1 or 12; clamped to the month's end. */
function anchored(year: number, month: number, anchor: number): string {
  return dayText(year, month, Math.min(anchor, monthLength(year, month)))
}

const monthLength = (year: number, month: number): number =>
  new Date(Date.UTC(year, month + 1, 0)).getUTCDate()

const dayText = (year: number, month: number, date: number): string =>
  new Date(Date.UTC(year, month, date)).toISOString().slice(0, 10)

function nextDay(day: string): string {
  const [year, month, date] = split(day)
  return dayText(year, month, date + 1)
}

const split = (day: string): [year: number, month: number, date: number] => [
  Number(day.slice(0, 4)),
  Number(day.slice(5, 7)) - 1,
  Number(day.slice(8)),
]
