import {
  accessSchema,
  address,
  baseSchema,
  type ConfigSchema,
  dnsSchema,
  type ProgramConfig,
  sessionSchemaOf,
  text,
  tlsFiles,
  upstreamSchema,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import { z } from 'zod'
import { type OriginConfig, originSchema } from './origin-config.ts'
import { type QueueConfig, queueSchema } from './queue-config.ts'
import { type RequestConfig, requestSchema } from './request-config.ts'
import { type WatchConfig, watchSchema } from './watch-config.ts'

export interface HttpsProxyConfig
  extends ProgramConfig, QueueConfig, RequestConfig, OriginConfig, WatchConfig {
  listen: Address
  compat: Address | undefined
  compatUser: string | undefined
  compatKeepAlive: boolean
  tls: Address | undefined
  tlsCert: string | undefined
  tlsKey: string | undefined
  tlsClientCa: string | undefined
}

const session = sessionSchemaOf({})

const files = tlsFiles('the TLS listener')

export const schema: ConfigSchema<HttpsProxyConfig> = baseSchema({ ops: '127.0.0.1:9104' })
  .extend(session.shape)
  .extend(accessSchema.shape)
  .extend(dnsSchema.shape)
  .extend(upstreamSchema.shape)
  .extend({
    open: z.boolean().default(false).meta({
      description: 'let everybody in without signing in, from everywhere',
      group: 'access',
    }),
    listen: address.prefault('0.0.0.0:8888').meta({
      description: 'where clients are expected: those of a proxy, and those of the API',
      group: 'listeners',
    }),
    tls: address.optional().meta({
      description: 'where the same is spoken over TLS, HTTP/2 too; nowhere unless given',
      group: 'listeners',
    }),
    tlsCert: files.cert,
    tlsKey: files.key,
    tlsClientCa: files.clientCa,
    compat: address.optional().meta({
      description: 'where clients of the framed protocol are expected; nowhere unless given',
      group: 'listeners',
    }),
    compatUser: text.optional().meta({
      description: "whose requests those of such clients are, who have no login; guests' unless given",
      placeholder: 'NAME',
      group: 'access',
      live: true,
    }),
    compatKeepAlive: z.boolean().default(false).meta({
      description: 'let such clients send another request once they have an answer',
      group: 'listeners',
      live: true,
    }),
    dialMs: session.shape.dialMs.meta({
      ...session.shape.dialMs.meta(),
      description: 'to reach an origin or the target of a tunnel, name resolution included',
      flag: 'connect-timeout',
    }),
  })
  .extend(queueSchema.shape)
  .extend(requestSchema.shape)
  .extend(originSchema.shape)
  .extend(watchSchema.shape)
