import { cidrs } from '@sluice/service'
import { z } from 'zod'
import type { FlowLimits, HealthCheck } from '../records.ts'
import type { PlainLogin } from '../manager-inputs.ts'

// Fields of requests. What they mean beyond their form is for the manager to say.

const TIME_MAX = 253_402_300_799_999

const amount = z.int().positive()
const rate = (direction: string): z.ZodInt => amount.meta({ description: `bytes a second, ${direction}` })

const LIMITS = {
  up: rate('from visitors'),
  down: rate('to visitors'),
  total: rate('both directions together'),
  burst: amount.meta({ description: 'bytes that may pass at once after a pause' }),
  connections: amount.meta({ description: 'open at the same time' }),
  quotaBytes: amount.meta({ description: 'bytes, both directions together, in a period' }),
  quotaPeriod: z.enum(['day', 'week', 'month']).meta({ description: 'all its life where it is left out' }),
  quotaAnchorDay: z.int().min(1).max(31).meta({ description: 'on which a week or month begins' }),
  quotaZone: z.string().min(1).max(64).meta({ description: 'IANA time zone of its days; UTC by default' }),
}

export type Fields = Readonly<Record<string, z.ZodType>>

/** All of them may be left out. */
export const optional = (fields: Fields): Record<string, z.ZodType> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.optional()]))

/** All of them may be left out, or cleared by null. */
export const clearable = (fields: Fields): Record<string, z.ZodType> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.nullable().optional()]))

export const limits: z.ZodType<FlowLimits> = z
  .strictObject(optional(LIMITS))
  .meta({ description: 'none that is left out' }) as z.ZodType as z.ZodType<FlowLimits>
export const limitsPatch: z.ZodType<object> = z.strictObject(clearable(LIMITS)).meta({
  description: 'those that are left out stay, null clears one',
})

export const id: z.ZodType<number> = z.int().positive()
export const login: z.ZodType<PlainLogin> = z.strictObject({
  name: z.string().min(1).max(255),
  password: z.string().min(1).max(1024).meta({ writeOnly: true }),
})
export const logins: z.ZodType<PlainLogin[]> = z.array(login).max(1000)
export const text = (max: number, description: string): z.ZodString =>
  z.string().max(max).meta({ description })
export const targets: z.ZodType<string[]> = z
  .array(z.string().min(1).max(300))
  .max(256)
  .meta({ description: '`host:port`, or a port of the client’s loopback' })
export const port: z.ZodType<number> = z
  .int()
  .min(0)
  .max(65_535)
  .meta({ description: '0 is one that is free' })
export const proxyHeader: z.ZodType<1 | 2> = z.union([z.literal(1), z.literal(2)])
export const balance: z.ZodType<'roundRobin' | 'leastConnections'> = z.enum([
  'roundRobin',
  'leastConnections',
])
export const health: z.ZodType<HealthCheck> = z.strictObject({
  type: z.enum(['tcp', 'http']),
  path: z.string().max(1024).optional(),
  intervalMs: z.int().positive(),
  timeoutMs: z.int().positive(),
  failures: z.int().positive(),
}) as z.ZodType<HealthCheck>

const network = z
  .string()
  .max(64)
  .refine((value) => !value.includes(',') && cidrs.safeParse(value).success, 'not a network')
const networks = z.array(network).max(1000)

/** What clients, tunnels and hosts have in common, but for their limits. */
export const COMMON: {
  readonly remark: z.ZodType<string>
  readonly enabled: z.ZodType<boolean>
  readonly expiresAt: z.ZodType<number>
  readonly allow: z.ZodType<string[]>
  readonly deny: z.ZodType<string[]>
} = {
  remark: text(1024, 'for people'),
  enabled: z.boolean(),
  expiresAt: z.int().positive().max(TIME_MAX).meta({ description: 'ms since 1970' }),
  allow: networks.meta({ description: 'networks of visitors; all where it is left out' }),
  deny: networks.meta({ description: 'networks of visitors who may not come in' }),
}
