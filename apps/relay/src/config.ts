import {
  accessSchema,
  baseSchema,
  type ConfigSchema,
  dnsSchema,
  duration,
  type ProgramConfig,
  sessionSchemaOf,
  text,
  textType,
  unasked,
  upstreamSchema,
} from '@sluice/service'
import type { RelayAddress } from '@sluice/wire/relay'
import { z } from 'zod'
import { DAY_MS, type LimitsConfig, limitsSchema, timeBetween } from './limits-config.ts'
import { type ListenUrl, listenUrls, relayUrls } from './listen-url.ts'

export interface RelayConfig extends ProgramConfig, LimitsConfig {
  listen: ListenUrl[]
  plain: boolean
  tlsCert: string | undefined
  tlsKey: string | undefined
  advertise: RelayAddress[]
  origin: string[]
  hidePresence: boolean
  pingMs: number
  adminToken: string | undefined
}

const base = baseSchema({ ops: '127.0.0.1:9103' })
const session = sessionSchemaOf({ handshake: '10' })

const origins: z.ZodType<string[], string | string[]> = z
  .union([z.array(z.string()).max(1000), z.string().transform((value) => value.split(','))])
  .transform((values, context) => {
    const trimmed = values.map((value) => value.trim())
    if (trimmed.every((value) => value === '*' || URL.parse(value)?.origin === value)) return trimmed
    context.addIssue({ code: 'custom', message: 'no origin' })
    return z.NEVER
  })
  .meta({ placeholder: 'ORIGIN[,ORIGIN]', wanted: 'origins, such as https://example.org, or *', list: true })

const adminToken = textType('TOKEN', 'a text of 16 to 256 characters', (written) => {
  if (!/^[\x21-\x7e]{16,256}$/.test(written)) throw new RangeError('no token')
  return written
})

/** This door dials nobody and takes no passwords. */
const { dialMs, sendProxy, sendProxyTo, authFailures, authBackoffMs } = session.shape
const UNASKED = unasked({
  ...accessSchema.shape,
  ...dnsSchema.shape,
  ...upstreamSchema.shape,
  ...{ dialMs, sendProxy, sendProxyTo, authFailures, authBackoffMs },
})

export const schema: ConfigSchema<RelayConfig> = base
  .extend(session.shape)
  .extend(UNASKED)
  .extend({
    idleMs: timeBetween(1000, DAY_MS)
      .prefault('2m')
      .meta({
        ...session.shape.idleMs.meta(),
        description: 'how long a connection without a circuit may say nothing',
      }),
    listen: listenUrls.prefault('any://127.0.0.1:8891').meta({
      description: 'where peers are expected: tcp, tls, ws, wss, or any of them by the first byte',
      group: 'listeners',
    }),
    plain: z.boolean().default(false).meta({
      description: 'listen beyond loopback without TLS too: whoever is on the way can take over a connection',
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
    advertise: relayUrls.prefault([]).meta({
      description: 'where peers are told that they can be reached, in the place of the listeners',
      group: 'listeners',
      live: true,
    }),
    origin: origins.prefault([]).meta({
      description: 'web pages that may come, by their origin, beside those of this machine; * for any',
      group: 'access',
      live: true,
    }),
    hidePresence: z.boolean().default(false).meta({
      description: 'tell who asks for a peer that is not here the same as who may not have it',
      group: 'access',
      live: true,
    }),
    adminToken: adminToken.optional().meta({
      description:
        'what operators show at /v1/relay of the ops port, at least 16 characters; nothing can be done there without',
      secret: true,
      group: 'operation',
    }),
    pingMs: duration.prefault('30').meta({
      description: 'how long a peer may say nothing before it is asked whether it is there; 0: never asked',
      flag: 'ping-interval',
      group: 'timeouts',
      live: true,
    }),
  })
  .extend(limitsSchema.shape)
