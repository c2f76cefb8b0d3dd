import { defaultBurst, type Limit, type ShareLimits } from '@sluice/ratelimit'
import { parseSize } from '@sluice/wire'
import { z } from 'zod'
import type { ConfigSchema } from './config-options.ts'
import { ACCESS_FORMATS, type AccessFormat } from './access-entry.ts'
import { cidrs, duration, rate, text, textType, wholeNumber } from './config-types.ts'
import type { DeviceRules } from './devices.ts'
import type { SignInLimits } from './sign-in-guard.ts'

/** What every door with sessions can be told. */
export interface SessionConfig {
  handshakeMs: number
  dialMs: number
  idleMs: number
  unauthenticatedPerIp: number
  unauthenticated: number
  proxyProtocol: string[]
  sendProxy: 'v1' | 'v2' | undefined
  sendProxyTo: string[]
  authFailures: number
  authBackoffMs: number
  deviceTtlMs: number
  deviceBytes: number
  accessLog: string | undefined
  accessLogFormat: AccessFormat
  nodeUp: number | undefined
  nodeDown: number | undefined
  nodeTotal: number | undefined
}

const nodeRate = (description: string): z.ZodType<number | undefined> =>
  rate.optional().meta({ description, group: 'limits', live: true })

const amount = textType('SIZE', 'a size, such as 0, 500KB or 10MiB', parseSize)

/** Written as settings are. */
export interface SessionDefaults {
  /** @default 10 s */
  readonly handshake?: string
  /** @default 1 h */
  readonly idle?: string
  /** @default 0 */
  readonly deviceTtl?: string
  /** @default 0 */
  readonly deviceBytes?: string
}

/** The settings of a door whose clients are not like those of others. */
export const sessionSchemaOf = ({
  handshake = '10',
  idle = '1h',
  deviceTtl = '0',
  deviceBytes = '0',
}: SessionDefaults): ConfigSchema<SessionConfig> =>
  z.object({
    handshakeMs: duration.prefault(handshake).meta({
      description: 'from accept to a whole, authenticated request',
      flag: 'handshake-timeout',
      group: 'timeouts',
      live: true,
    }),
    dialMs: duration.prefault('10').meta({
      description: 'to reach a target, name resolution included',
      flag: 'dial-timeout',
      group: 'timeouts',
      live: true,
    }),
    idleMs: duration.prefault(idle).meta({
      description: 'how long a session may carry nothing either way',
      flag: 'idle-timeout',
      group: 'timeouts',
      live: true,
    }),
    unauthenticatedPerIp: wholeNumber(1).prefault(1024).meta({
      description: 'connections of one address, of IPv6 a /64, that may be in their handshake at a time',
      flag: 'unauthenticated-per-ip',
      group: 'limits',
      live: true,
    }),
    unauthenticated: wholeNumber(1).prefault(16_384).meta({
      description: 'connections of all addresses together that may be in their handshake at a time',
      group: 'limits',
      live: true,
    }),
    proxyProtocol: cidrs.prefault([]).meta({
      description: 'balancers in front, whose connections must begin with a PROXY header (version 1 or 2)',
      group: 'listeners',
      live: true,
    }),
    sendProxy: z.enum(['v1', 'v2']).optional().meta({
      description: 'version of the PROXY header that the targets of --send-proxy-to are sent',
      group: 'access',
      live: true,
    }),
    sendProxyTo: cidrs.prefault([]).meta({
      description: 'targets that are told the address of the client by a PROXY header',
      group: 'access',
      live: true,
    }),
    authFailures: wholeNumber(0, 1000).prefault(10).meta({
      description: 'sign-ins of one address that may fail in a row before it has to wait; 0: any number',
      flag: 'auth-failures',
      group: 'limits',
      live: true,
    }),
    authBackoffMs: duration.prefault('5m').meta({
      description: 'the longest such wait; the first is 1 s',
      flag: 'auth-backoff',
      group: 'limits',
      live: true,
    }),
    deviceTtlMs: duration.prefault(deviceTtl).meta({
      description: 'how long a client address counts for --ips of its user after its last session',
      flag: 'device-ttl',
      group: 'limits',
      live: true,
    }),
    deviceBytes: amount.prefault(deviceBytes).meta({
      description:
        'what an address has to move, up and down together, before it counts for --ips; 0: nothing',
      flag: 'device-bytes',
      group: 'limits',
      live: true,
    }),
    accessLog: text.optional().meta({
      description:
        'file for what clients asked for, one line each, in place of the session.end lines on stdout',
      placeholder: 'FILE',
      group: 'operation',
    }),
    accessLogFormat: z
      .enum(ACCESS_FORMATS)
      .default('json')
      .meta({ description: 'JSON lines, or those of Squid', group: 'operation' }),
    nodeUp: nodeRate('bytes per second of all users together, from clients to targets'),
    nodeDown: nodeRate('bytes per second of all users together, from targets to clients'),
    nodeTotal: nodeRate('bytes per second of all users together, both ways'),
  })

export const sessionSchema: ConfigSchema<SessionConfig> = sessionSchemaOf({})

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

/** How who guesses passwords is slowed down. */
export const signInLimits = (
  config: Pick<SessionConfig, 'authFailures' | 'authBackoffMs'>,
): SignInLimits => ({
  failures: config.authFailures,
  backoffMs: config.authBackoffMs,
})

export const deviceLimits = (config: SessionConfig): Omit<DeviceRules, 'now'> => ({
  ttlMs: config.deviceTtlMs,
  bytes: config.deviceBytes,
})
