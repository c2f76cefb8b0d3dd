import { cidrs, type ConfigSchema, size, wholeNumber } from '@sluice/service'
import { z } from 'zod'
import { requests, timeOf } from './config-kinds.ts'

/** Who may wait, how many, for how long, and how many are served at a time. */
export interface QueueConfig {
  maxConnections: number
  queue: number
  queueBytes: number
  slots: number
  queueMs: number
  shedMs: number | undefined
  userRequests: number | undefined
  /** A second. */
  userRequestRate: number | undefined
  /** A second. */
  addressRequestRate: number | undefined
  allowClient: string[]
}

const MOST = 10_000_000
const limits = { group: 'limits', live: true }

export const queueSchema: ConfigSchema<QueueConfig> = z.object({
  maxConnections: wholeNumber(1, MOST)
    .prefault(10_000)
    .meta({
      description: 'connections at a time; those beyond are told at once to come later',
      ...limits,
    }),
  queue: wholeNumber(1, MOST)
    .prefault(50_000)
    .meta({ description: 'requests that may wait for their turn', ...limits }),
  queueBytes: size.prefault('256MiB').meta({
    description: 'what those may hold in memory together',
    ...limits,
  }),
  slots: wholeNumber(1, 100_000)
    .prefault(100)
    .meta({ description: 'requests that are under way to origins at a time', ...limits }),
  queueMs: timeOf(1).prefault('30').meta({
    description: 'how long a request may wait for its turn',
    flag: 'queue-timeout',
    group: 'timeouts',
    live: true,
  }),
  shedMs: timeOf(1)
    .optional()
    .meta({
      description:
        'wait beyond which, where it stands for a while, requests are turned away at once; never by default',
      flag: 'shed-target',
      ...limits,
    }),
  userRequests: wholeNumber(1, MOST)
    .optional()
    .meta({ description: 'requests of a user at a time, those that wait included', ...limits }),
  userRequestRate: requests.optional().meta({ description: 'requests of a user', ...limits }),
  addressRequestRate: requests
    .optional()
    .meta({ description: 'requests of one client address, of IPv6 a /64', ...limits }),
  allowClient: cidrs.prefault([]).meta({
    description: 'networks that clients may come from; from everywhere unless given',
    group: 'access',
    live: true,
  }),
})
