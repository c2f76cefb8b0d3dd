import { textType } from '@sluice/service'
import { formatDuration, parseDuration } from '@sluice/wire'
import type { z } from 'zod'

const DAY_MS = 86_400_000
const PER: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 }

/** A time of at least `minMs`, and at most a day, ms. */
export const timeOf = (minMs: number): z.ZodType<number, string | number> =>
  textType('SECONDS', `a time from ${formatDuration(minMs)} to 1d`, (written) => {
    const ms = parseDuration(written)
    if (ms < minMs || ms > DAY_MS) throw new RangeError('out of range')
    return ms
  })

/** Requests a second, written as `10`, `10/s`, `600/min` or `1000/h`. */
export const requests: z.ZodType<number, string | number> = textType(
  'N[/s|/min|/h]',
  'a number of requests, such as 10/s or 600/min',
  (written) => {
    const [, count = '', per = 's'] = /^(\d{1,9})(?:\/(s|min|h))?$/.exec(written) ?? []
    if (!(Number(count) > 0)) throw new RangeError('no rate')
    return Number(count) / PER[per]!
  },
)
