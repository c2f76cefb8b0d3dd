import { type ConfigSchema, duration, size, textType, wholeNumber } from '@sluice/service'
import { z } from 'zod'
import { timeOf } from './config-kinds.ts'

/** What one request may be, and how long it may take. */
export interface RequestConfig {
  requestMs: number
  firstByteMs: number | undefined
  maxRequestBytes: number | undefined
  maxResponseBytes: number | undefined
  jsonBytes: number
  redirects: number
  via: string | undefined
  keepAliveMs: number
}

const MiB = 1024 * 1024

const jsonBytes: z.ZodType<number, string | number> = size
  .refine((bytes) => bytes <= 256 * MiB)
  .meta({ placeholder: 'SIZE', wanted: 'a size from 1 to 256MiB' })

const viaName = textType('NAME', 'a name of letters, digits, dots, dashes and underscores', (written) => {
  if (!/^[\w.-]{1,64}$/.test(written)) throw new RangeError('no name')
  return written.toLowerCase()
})

const limits = { group: 'limits', live: true }
const timeouts = { group: 'timeouts', live: true }

export const requestSchema: ConfigSchema<RequestConfig> = z.object({
  requestMs: timeOf(1)
    .prefault('30')
    .meta({
      description: 'how long an exchange may take; of a streamed one until its head, then each pause of it',
      flag: 'request-timeout',
      ...timeouts,
    }),
  firstByteMs: timeOf(1)
    .optional()
    .meta({
      description: 'how long an origin may take to begin its answer; the request timeout unless given',
      flag: 'first-byte-timeout',
      ...timeouts,
    }),
  keepAliveMs: duration.prefault('60').meta({
    description: 'how long a client may take to begin its next request',
    flag: 'keep-alive-timeout',
    ...timeouts,
  }),
  maxRequestBytes: size.optional().meta({
    description: 'body of a request by the API, or for an https: URL; any size unless given',
    ...limits,
  }),
  maxResponseBytes: size.optional().meta({
    description: 'body of a response to such a request; any size unless given',
    ...limits,
  }),
  jsonBytes: jsonBytes.prefault('1MiB').meta({
    description: 'either body of a request that is made as JSON, which is whole in memory',
    ...limits,
  }),
  redirects: wholeNumber(0, 50)
    .prefault(5)
    .meta({
      description: 'redirects that a request may ask to be followed; none are unless it asks',
      ...limits,
    }),
  via: viaName.optional().meta({
    description:
      'name of this program in Via, by which it knows requests that go in a circle; random by default',
    live: true,
  }),
})
