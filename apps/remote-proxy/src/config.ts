import {
  accessSchema,
  address,
  baseSchema,
  type ConfigSchema,
  dnsSchema,
  duration,
  type ProgramConfig,
  rate,
  sessionSchema,
  size,
  textType,
  tlsFiles,
  upstreamSchema,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import { z } from 'zod'
import { type SocksConfig, socksSchema } from './socks-config.ts'

export interface RemoteProxyConfig extends ProgramConfig, SocksConfig {
  http: Address
  socks: Address
  tls: Address | undefined
  tlsCert: string | undefined
  tlsKey: string | undefined
  tlsClientCa: string | undefined
  limit: number | undefined
  capacity: number | undefined
  via: string | undefined
  keepAliveMs: number
  responseMs: number
}

const viaName = textType('NAME', 'a name of letters, digits, dots, dashes and underscores', (written) => {
  if (!/^[\w.-]{1,64}$/.test(written)) throw new RangeError('no name')
  return written.toLowerCase()
})

const files = tlsFiles('the TLS listener')

export const schema: ConfigSchema<RemoteProxyConfig> = baseSchema({ ops: '127.0.0.1:9102' })
  .extend(sessionSchema.shape)
  .extend(accessSchema.shape)
  .extend(dnsSchema.shape)
  .extend(upstreamSchema.shape)
  .extend({
    open: z.boolean().default(false).meta({
      description: 'listen beyond loopback although there is no user yet; all must still sign in',
      group: 'access',
    }),
    http: address.prefault('127.0.0.1:8889').meta({
      description: 'where HTTP clients are expected; takes every protocol of this door',
      group: 'listeners',
    }),
    socks: address.prefault('127.0.0.1:8890').meta({
      description: 'where SOCKS clients are expected; takes every protocol of this door',
      group: 'listeners',
    }),
    tls: address.optional().meta({
      description: 'where every protocol of this door is spoken over TLS; nowhere unless given',
      group: 'listeners',
    }),
    tlsCert: files.cert,
    tlsKey: files.key,
    tlsClientCa: files.clientCa,
    limit: rate.optional().meta({
      description: 'bytes per second, both ways together, of a user without a rate of their own',
      group: 'limits',
      live: true,
    }),
    capacity: size.optional().meta({
      description: 'bytes that may pass at once after a pause, for users without a burst of their own',
      group: 'limits',
      live: true,
    }),
    keepAliveMs: duration.prefault('60').meta({
      description: 'how long a client of plain HTTP may take to begin its next request',
      flag: 'keep-alive-timeout',
      live: true,
    }),
    responseMs: duration.prefault('5m').meta({
      description: 'how long a target of plain HTTP may take to begin its response',
      flag: 'response-timeout',
      live: true,
    }),
    via: viaName.optional().meta({
      description:
        'name of this program in Via, by which it knows requests that go in a circle; random by default',
      live: true,
    }),
  })
  .extend(socksSchema.shape)
