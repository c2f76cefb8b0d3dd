import {
  address,
  baseSchema,
  type ConfigSchema,
  type ProgramConfig,
  rate,
  sessionSchema,
  size,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import { z } from 'zod'

export interface RemoteProxyConfig extends ProgramConfig {
  http: Address
  socks: Address
  limit: number | undefined
  capacity: number | undefined
}

export const schema: ConfigSchema<RemoteProxyConfig> = baseSchema({ ops: '127.0.0.1:9102' })
  .extend(sessionSchema.shape)
  .extend({
    open: z
      .boolean()
      .default(false)
      .meta({ description: 'listen beyond loopback although there is no user yet; all must still sign in' }),
    http: address
      .prefault('127.0.0.1:8889')
      .meta({ description: 'where HTTP clients are expected; takes every protocol of this door' }),
    socks: address
      .prefault('127.0.0.1:8890')
      .meta({ description: 'where SOCKS clients are expected; takes every protocol of this door' }),
    limit: rate
      .optional()
      .meta({ description: 'bytes per second, both ways together, of a user without a rate of their own' }),
    capacity: size.optional().meta({
      description: 'bytes that may pass at once after a pause, for users without a burst of their own',
    }),
  })
