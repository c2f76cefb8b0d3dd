import { type ConfigSchema, size, text, textType, wholeNumber } from '@sluice/service'
import { parseHost } from '@sluice/wire'
import { z } from 'zod'
import { timeOf } from './config-kinds.ts'

/** How origins are met. */
export interface OriginConfig {
  originConnections: number | undefined
  originCa: string | undefined
  originCerts: string | undefined
  insecureOrigin: string[]
  /** Percent. */
  retryBudget: number
  breaker: number
  breakerMs: number
  cache: CachePlace | undefined
  coalesce: boolean
}

/** Where answers are kept: so many bytes in memory, or a file. */
export type CachePlace = { readonly bytes: number } | { readonly file: string }

const origin = { group: 'origins', live: true }
const file = { placeholder: 'FILE', group: 'origins' }

const cachePlace: z.ZodType<CachePlace, string | number> = textType(
  'SIZE|FILE',
  'a size, such as 64MiB, or a file whose name has a dot or a slash',
  (written) => {
    if (/[./]/.test(written) && !/^[\d.]+[KMGT]?i?B?$/.test(written)) return { file: written }
    return { bytes: z.parse(size, written) }
  },
)

const hosts: z.ZodType<string[], string | string[]> = z
  .union([z.array(z.string()).max(1000), z.string().transform((value) => value.split(','))])
  .transform((values, context) => {
    try {
      return values.map((value) => parseHost(value.trim().replace(/^\[(.*)\]$/, '$1')).toLowerCase())
    } catch {
      context.addIssue({ code: 'custom', message: 'no host' })
      return z.NEVER
    }
  })
  .meta({ placeholder: 'HOST[,HOST]', wanted: 'names or addresses of hosts', list: true })

export const originSchema: ConfigSchema<OriginConfig> = z.object({
  originConnections: wholeNumber(1, 100_000)
    .optional()
    .meta({
      description: 'requests to one origin at a time, those without a slot included; any number unless given',
      ...origin,
    }),
  originCa: text.optional().meta({
    description: 'CA certificates that origins may have beside those of the system, PEM',
    ...file,
  }),
  originCerts: text.optional().meta({
    description: 'client certificates by origin: YAML of origins, each with cert and key, files in PEM',
    ...file,
  }),
  insecureOrigin: hosts.prefault([]).meta({
    description: 'hosts whose certificates are not looked at',
    ...origin,
  }),
  retryBudget: wholeNumber(0, 100)
    .prefault(10)
    .meta({
      description:
        'percent of requests that may be made once more where they failed and that does no harm; 0: none',
      placeholder: 'PERCENT',
      wanted: 'a percentage from 0 to 100',
      ...origin,
    }),
  breaker: wholeNumber(0, 10_000)
    .prefault(10)
    .meta({
      description: 'failures in a row after which an origin is left alone for a while; 0: never',
      ...origin,
    }),
  breakerMs: timeOf(100)
    .prefault('10')
    .meta({
      description: 'how long an origin that failed so often is left alone',
      flag: 'breaker-pause',
      ...origin,
    }),
  cache: cachePlace.optional().meta({
    description: 'keep answers that may be kept (RFC 9111): so much in memory, or in this file',
    group: 'origins',
  }),
  coalesce: z
    .boolean()
    .default(false)
    .meta({
      description: 'have one request made for equal ones that come while it is under way',
      ...origin,
    }),
})
