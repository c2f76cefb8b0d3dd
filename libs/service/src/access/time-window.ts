import type { TimeWindow } from './rule.ts'
import { listOf, objectOf, type Reader, reader, wordOf } from './value-reader.ts'

const DAY_MINUTES = 24 * 60
const MINUTE_MS = 60_000

/** Day of the week and minute of the day, by the clock on the wall of one zone. The last answer is kept. */
export class WallClock {
  day = 0
  minute = 0
  readonly #format: Intl.DateTimeFormat
  #at = Number.NaN

  /** @throws RangeError where the zone does not exist */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  }

  /** @param now wall clock, ms since 1970 */
  set(now: number): void {
    const at = Math.floor(now / MINUTE_MS)
    if (at === this.#at) return
    this.#at = at
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
    for (const { type, value } of this.#format.formatToParts(at * MINUTE_MS)) parts[type] = value
    this.day = WEEKDAYS.indexOf(parts.weekday ?? '')
    this.minute = Number(parts.hour) * 60 + Number(parts.minute)
  }
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** Whether a moment of the week, minutes since Sunday 00:00, is in the window. */
const isIn = ({ days, from, to }: TimeWindow, day: number, minute: number): boolean => {
  if (from < to) return days.includes(day) && minute >= from && minute < to
  if (minute >= from) return days.includes(day)
  return minute < to && days.includes((day + 6) % 7)
}

/** What tells whether a time (ms since 1970) is in any of the windows. Zones share their clocks over all of `clocks`. */
export const timeMatch = (
  windows: readonly TimeWindow[],
  clocks: Map<string, WallClock>,
): ((now: number) => boolean) => {
  const clocked = windows.map((window) => {
    const clock = clocks.get(window.zone) ?? new WallClock(window.zone)
    clocks.set(window.zone, clock)
    return { window, clock }
  })
  return (now) =>
    clocked.some(({ window, clock }) => {
      clock.set(now)
      return isIn(window, clock.day, clock.minute)
    })
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const EVERY_DAY = DAYS.map((_, day) => day)

/** `09:30` as minutes since midnight; `24:00` is the end of the day. */
const timeOfDay = reader('a time of day, such as "09:30"', (value) => {
  const [, hours, minutes] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(String(value)) ?? []
  const minute = Number(hours) * 60 + Number(minutes)
  return minute <= DAY_MINUTES ? minute : undefined
})

const zone = reader('an IANA time zone, such as Europe/Berlin', (value) => {
  if (typeof value !== 'string' || value.length > 64) return undefined
  try {
    new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions()
    return value
  } catch {
    return undefined
  }
})

const parts = objectOf<{ days: readonly (typeof DAYS)[number][]; from: number; to: number; zone: string }>(
  'a time, such as { days: [mon, fri], from: "09:00", to: "17:30", zone: Europe/Berlin }',
  { days: listOf(wordOf(DAYS)), from: timeOfDay, to: timeOfDay, zone },
)

/** By default every day, from midnight to midnight, in UTC. */
export const timeWindow: Reader<TimeWindow> = (value, path, problems) => {
  const read = parts(value, path, problems)
  if (read === undefined) return undefined
  const { from = 0, to = DAY_MINUTES } = read
  if (from === to) problems.push(`${path}: from and to are the same; leave both out for the whole day`)
  const days = read.days?.map((day) => DAYS.indexOf(day)) ?? EVERY_DAY
  return { days, from: from % DAY_MINUTES, to, zone: read.zone ?? 'UTC' }
}
