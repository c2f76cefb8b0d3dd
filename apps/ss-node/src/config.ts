import {
  accessSchema,
  baseSchema,
  type ConfigSchema,
  dnsSchema,
  type LogLevel,
  type ProgramConfig,
  sessionSchemaOf,
  textType,
  upstreamSchema,
  wholeNumber,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import { parseAddress } from '@sluice/wire'
import { z } from 'zod'
import { type IdentityKey, identityKeys } from './identity-key.ts'
import { type RemoteConfig, remoteSchema } from './remote/remote-config.ts'
import { type SourcesConfig, sourcesSchema } from './sources/sources-config.ts'
import { type UdpConfig, udpSchema } from './udp/udp-config.ts'

export interface SsNodeConfig extends ProgramConfig, RemoteConfig, SourcesConfig, UdpConfig {
  listen: string
  port: number | undefined
  identityKey: IdentityKey[]
  insecureMethods: boolean
  connections: number
}

/** What Python calls them, besides our own names. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'error',
  silent: 'silent',
}

const logLevel = textType('LEVEL', `one of ${Object.keys(LEVELS).join(', ')}`, (written): LogLevel => {
  const lower = written.toLowerCase()
  if (!Object.hasOwn(LEVELS, lower)) throw new RangeError('no level')
  return LEVELS[lower]!
})

/** A port alone is one on all interfaces. */
const opsAddress = textType('[HOST:]PORT', 'HOST:PORT, or a port on all interfaces', (written): Address =>
  parseAddress(/^\d+$/.test(written) ? `0.0.0.0:${written}` : written),
)

const host = textType('HOST', 'an IP address, such as 0.0.0.0 or ::', (written) => {
  const bare = written.startsWith('[') ? written.slice(1, -1) : written
  return parseAddress(bare.includes(':') ? `[${bare}]:0` : `${bare}:0`).host
})

const base = baseSchema({ ops: '127.0.0.1:9101' })
const session = sessionSchemaOf({ handshake: '60', idle: '60', deviceTtl: '60', deviceBytes: '16KB' })

export const schema: ConfigSchema<SsNodeConfig> = base
  .extend(session.shape)
  .extend(accessSchema.shape)
  .extend(dnsSchema.shape)
  .extend(upstreamSchema.shape)
  .extend(sourcesSchema.shape)
  .extend(udpSchema.shape)
  .extend({
    logLevel: logLevel.prefault('info').meta({ ...base.shape.logLevel.meta(), env: 'SS_LOG_LEVEL' }),
    ops: opsAddress.prefault('127.0.0.1:9101').meta({ ...base.shape.ops.meta(), env: 'SS_METRICS_PORT' }),
    idleMs: session.shape.idleMs.meta({ env: 'SS_TIME_OUT_LIMIT' }),
    dns: dnsSchema.shape.dns.meta({ env: 'SS_STREAM_DNS_SERVER' }),
    listen: host.prefault('::').meta({
      description: 'address that users come in by; :: is all, of IPv4 too',
      env: 'SS_LISTEN_HOST',
      group: 'listeners',
    }),
    port: wholeNumber(0, 65_535).optional().meta({
      description: 'port of the users who have none of their own; they are not served unless it is given',
      placeholder: 'N',
      group: 'listeners',
    }),
    identityKey: identityKeys.prefault([]).meta({
      description:
        'key of a server whose port all users of its 2022 method share, each telling who they are in an identity header (SIP023)',
      secret: true,
      group: 'listeners',
    }),
    insecureMethods: z.boolean().default(true).meta({
      description: 'serve users whose method protects nothing, none or aes-*-cfb, and tell of them',
      group: 'access',
      live: true,
    }),
    connections: wholeNumber(1).prefault(60).meta({
      description: 'TCP connections of a user without a limit of their own',
      env: 'SS_TCP_CONN_LIMIT',
      group: 'limits',
      live: true,
    }),
  })
  .extend(remoteSchema.shape)
