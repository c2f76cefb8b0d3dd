import { isIP } from 'node:net'
import { parseAddress, parseDuration, parseQuota, parseRate, parseSize } from '@sluice/wire'
import type { Address, QuotaText } from '@sluice/wire'
import { z } from 'zod'

/** What a configuration value may be written as: a flag and the environment give texts, a file may give numbers. */
export type Written = string | number

/** A type of values, from its text. `placeholder` stands in the help, `wanted` in errors. */
export function textType<T>(
  placeholder: string,
  wanted: string,
  parse: (text: string) => T,
): z.ZodType<T, Written> {
  return z
    .union([z.string(), z.number()])
    .transform((written, context) => {
      try {
        return parse(String(written))
      } catch {
        context.addIssue({ code: 'custom', message: wanted })
        return z.NEVER
      }
    })
    .meta({ placeholder, wanted })
}

export const text: z.ZodType<string, Written> = textType('TEXT', 'a text', (value) => {
  if (value === '') throw new RangeError('empty')
  return value
})

export const address: z.ZodType<Address, Written> = textType(
  'HOST:PORT',
  'HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080',
  parseAddress,
)

/** Limits of 0 would let nobody through, and are nobody's wish. */
const aboveZero =
  (parse: (text: string) => number) =>
  (written: string): number => {
    const bytes = parse(written)
    if (bytes === 0) throw new RangeError('nothing')
    return bytes
  }

/** Bytes per second. */
export const rate: z.ZodType<number, Written> = textType(
  'RATE',
  'a rate above 0, such as 250KB/s or 1MiB/s',
  aboveZero(parseRate),
)

/** Bytes. */
export const size: z.ZodType<number, Written> = textType(
  'SIZE',
  'a size above 0, such as 500KB or 10GiB',
  aboveZero(parseSize),
)

export const quota: z.ZodType<QuotaText, Written> = textType(
  'SIZE[/day|/week|/month]',
  'a size, alone or per day, week or month, such as 10GiB/month',
  parseQuota,
)

/** Milliseconds, written in seconds or with a unit. */
export const duration: z.ZodType<number, Written> = textType(
  'SECONDS',
  'seconds, or a time with its unit, such as 500ms or 2m',
  parseDuration,
)

/** A whole number of at least `min`, and of at most `max`. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): z.ZodType<number, Written> {
  const wanted = `a whole number from ${min} to ${max}`
  return textType(
    'N',
    max === Number.MAX_SAFE_INTEGER ? `a whole number, at least ${min}` : wanted,
    (value) => {
      const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN
      if (!(number >= min && number <= max)) throw new RangeError(wanted)
      return number
    },
  )
}

/** Networks as `address/prefix`; a bare address is a network of one. Written as a list, or with commas. */
export const cidrs: z.ZodType<string[], string | string[]> = z
  .union([z.array(z.string()).max(1000), z.string().transform((value) => value.split(','))])
  .transform((values, context) => {
    const networks = values.map((value) => network(value.trim()))
    if (!networks.includes(undefined)) return networks.filter((each) => each !== undefined)
    context.addIssue({ code: 'custom', message: 'not a network' })
    return z.NEVER
  })
  .meta({ placeholder: 'CIDR[,CIDR]', wanted: 'networks, such as 10.0.0.0/8 or fd00::/8', list: true })

function network(written: string): string | undefined {
  const [, host = '', prefix] = /^([0-9a-fA-F:.]{2,45})(?:\/(\d{1,3}))?$/.exec(written) ?? []
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(host)] ?? -1
  const length = prefix === undefined ? bits : Number(prefix)
  return bits < 0 || length > bits ? undefined : `${host}/${length}`
}
