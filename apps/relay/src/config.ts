import {
  accessSchema,
  baseSchema,
  type ConfigSchema,
  dnsSchema,
  duration,
  type ProgramConfig,
  sessionSchemaOf,
  text,
  upstreamSchema,
} from '@sluice/service'
import { z } from 'zod'
import { type LimitsConfig, limitsSchema } from './limits-config.ts'
import { type ListenUrl, listenUrls } from './listen-url.ts'

export interface RelayConfig extends ProgramConfig, LimitsConfig {
  listen: ListenUrl[]
  plain: boolean
  tlsCert: string | undefined
  tlsKey: string | undefined
  hidePresence: boolean
  pingMs: number
}

const base = baseSchema({ ops: '127.0.0.1:9103' })
const session = sessionSchemaOf({ handshake: '10', idle: '2m' })

/** This door dials nobody, so what could be said of that is not asked for. */
const unasked = <Shape extends Record<string, z.ZodType>>(shape: Shape): Shape =>
  Object.fromEntries(Object.entries(shape).map(([key, type]) => [key, type.meta({ from: [] })])) as Shape

const { dialMs, sendProxy, sendProxyTo } = session.shape
const UNASKED = unasked({
  ...accessSchema.shape,
  ...dnsSchema.shape,
  ...upstreamSchema.shape,
  ...{ dialMs, sendProxy, sendProxyTo, allow: base.shape.allow },
})

export const schema: ConfigSchema<RelayConfig> = base
  .extend(session.shape)
  .extend(UNASKED)
  .extend({
    idleMs: session.shape.idleMs.meta({
      ...session.shape.idleMs.meta(),
      description: 'how long a connection without a circuit may say nothing',
    }),
    listen: listenUrls.prefault('any://127.0.0.1:8891').meta({
      description: 'where peers are expected: tcp, tls, ws, wss, or any of them by the first byte',
      group: 'listeners',
    }),
    plain: z.boolean().default(false).meta({
      description: 'listen beyond loopback without TLS: whoever is on the way can take over what passes',
      group: 'listeners',
    }),
    tlsCert: text.optional().meta({
      description: 'certificate and the chain behind it, PEM; one over the identity key by default',
      placeholder: 'FILE',
      group: 'listeners',
    }),
    tlsKey: text
      .optional()
      .meta({ description: 'its private key, PEM', placeholder: 'FILE', group: 'listeners' }),
    hidePresence: z.boolean().default(false).meta({
      description: 'tell who asks for a peer that is not here the same as who may not have it',
      group: 'access',
      live: true,
    }),
    pingMs: duration.prefault('30').meta({
      description: 'how long a peer may say nothing before it is asked whether it is there; 0: never asked',
      flag: 'ping-interval',
      group: 'timeouts',
      live: true,
    }),
  })
  .extend(limitsSchema.shape)
