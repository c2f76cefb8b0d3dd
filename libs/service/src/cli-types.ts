import { isSourceAddress } from '@sluice/userstore'
import { z } from 'zod'
import { textType } from './config-types.ts'
import type { Written } from './config-types.ts'

/** `none` clears a limit: null. Only what is above 0 limits anything in a way that anyone would want. */
export function orNone<T>(type: z.ZodType<T, Written>): z.ZodType<T | null, Written> {
  const { placeholder = 'TEXT', wanted = 'a text' } = Object(type.meta())
  return textType(`${placeholder}|none`, `${wanted}, or none`, (written) => {
    if (written === 'none') return null
    const value = type.parse(written)
    if (value === 0) throw new RangeError('nothing')
    return value
  })
}

/** Milliseconds since 1970, from a day (its begin in UTC) or a time with its zone. */
export const date: z.ZodType<number, Written> = textType(
  'DATE',
  'a date, such as 2027-01-31 (UTC) or 2027-01-31T18:00:00+02:00',
  (written) => Date.parse(z.union([z.iso.date(), z.iso.datetime({ offset: true })]).parse(written)),
)

/** An address that dials may leave from. */
export const sourceAddress: z.ZodType<string, Written> = textType(
  'IP',
  'an IP address of this machine, without zone and no wildcard',
  (written) => {
    if (!isSourceAddress(written)) throw new RangeError('no address')
    return written
  },
)
