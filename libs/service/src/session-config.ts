import { defaultBurst, type Limit, type ShareLimits } from '@sluice/ratelimit'
import { z } from 'zod'
import type { ConfigSchema } from './config-options.ts'
import { duration, rate, wholeNumber } from './config-types.ts'

/** What every door with sessions can be told. */
export interface SessionConfig {
  handshakeMs: number
  dialMs: number
  idleMs: number
  unauthenticatedPerIp: number
  nodeUp: number | undefined
  nodeDown: number | undefined
  nodeTotal: number | undefined
}

const nodeRate = (description: string): z.ZodType<number | undefined> => rate.optional().meta({ description })

export const sessionSchema: ConfigSchema<SessionConfig> = z.object({
  handshakeMs: duration
    .prefault('10')
    .meta({ description: 'from accept to a whole, authenticated request', flag: 'handshake-timeout' }),
  dialMs: duration
    .prefault('10')
    .meta({ description: 'to reach a target, name resolution included', flag: 'dial-timeout' }),
  idleMs: duration
    .prefault('1h')
    .meta({ description: 'how long a session may carry nothing either way', flag: 'idle-timeout' }),
  unauthenticatedPerIp: wholeNumber(1).prefault(1024).meta({
    description: 'connections of one address that may be in their handshake at a time',
    flag: 'unauthenticated-per-ip',
  }),
  nodeUp: nodeRate('bytes per second of all users together, from clients to targets'),
  nodeDown: nodeRate('bytes per second of all users together, from targets to clients'),
  nodeTotal: nodeRate('bytes per second of all users together, both ways'),
})

/** The node level of the shaper. */
export const nodeLimits = (config: SessionConfig): ShareLimits => {
  const limits: { up?: Limit; down?: Limit; total?: Limit } = {}
  if (config.nodeUp !== undefined) limits.up = limitAt(config.nodeUp)
  if (config.nodeDown !== undefined) limits.down = limitAt(config.nodeDown)
  if (config.nodeTotal !== undefined) limits.total = limitAt(config.nodeTotal)
  return limits
}

const limitAt = (bytesPerSecond: number): Limit => ({
  rate: bytesPerSecond,
  burst: defaultBurst(bytesPerSecond),
})
