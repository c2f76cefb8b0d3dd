import type { PortRange } from '@sluice/net'
import {
  accessSchema,
  address,
  baseSchema,
  type ConfigSchema,
  dnsSchema,
  duration,
  type ProgramConfig,
  sessionSchema,
  text,
  tlsFiles,
  unasked,
  upstreamSchema,
  wholeNumber,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import { z } from 'zod'
import { apiKey, npcBridge, type NpcBridgeAddress, portRanges } from './config-types.ts'

export interface NpsServerConfig extends ProgramConfig {
  bridge: Address
  bridgeCert: string | undefined
  bridgeKey: string | undefined
  npcBridge: NpcBridgeAddress | undefined
  p2p: Address | undefined
  http: Address | undefined
  https: Address | undefined
  httpsCert: string | undefined
  httpsKey: string | undefined
  web: Address | undefined
  acmeDirectory: string
  acmeEmail: string | undefined
  acmeAgree: boolean
  acmeCa: string | undefined
  npsApi: string | undefined
  ports: PortRange[]
  programs: number
  deadMs: number
  udpIdleMs: number
  keepAliveMs: number
  responseMs: number
}

const base = baseSchema({ ops: '127.0.0.1:9105' })
const files = tlsFiles('hosts that have none of their own,')
const bridgeFiles = tlsFiles('the bridge')
const { dialMs, sendProxy, sendProxyTo } = sessionSchema.shape

/** Targets are dialled by the clients, from where they are: what could be said of dials from here is not asked for. */
const UNASKED = unasked({
  ...accessSchema.shape,
  ...dnsSchema.shape,
  ...upstreamSchema.shape,
  ...{ sendProxy, sendProxyTo },
})

export const schema: ConfigSchema<NpsServerConfig> = base
  .extend(sessionSchema.shape)
  .extend(UNASKED)
  .extend({
    allow: base.shape.allow.meta({
      ...base.shape.allow.meta(),
      description: 'changes nothing here: what a client lets through is said by the --allow of "client run"',
      live: false,
    }),
    open: z.boolean().default(false).meta({
      description: 'open proxies without a login beyond loopback too, for everybody',
      group: 'access',
    }),
    bridge: address.prefault('127.0.0.1:8025').meta({
      description: 'where clients come in, always over TLS',
      group: 'listeners',
    }),
    bridgeCert: bridgeFiles.cert,
    bridgeKey: bridgeFiles.key,
    npcBridge: npcBridge.optional().meta({
      description: 'where npc comes in, whose protocol protects little; nowhere unless given',
      group: 'listeners',
    }),
    p2p: address.optional().meta({
      description:
        'where peers of npc are told of each other over UDP, at this port and the two above it; nowhere unless given',
      group: 'listeners',
    }),
    http: address.optional().meta({
      description: 'where visitors of hosts come in over HTTP; nowhere unless given',
      group: 'listeners',
    }),
    https: address.optional().meta({
      description: 'where visitors of hosts come in over HTTPS; nowhere unless given',
      group: 'listeners',
    }),
    httpsCert: files.cert,
    httpsKey: files.key,
    acmeDirectory: z
      .url({ protocol: /^https$/ })
      .default('https://acme-v02.api.letsencrypt.org/directory')
      .meta({
        description: 'who is asked for the certificates of hosts that have --auto-cert, by ACME (RFC 8555)',
        placeholder: 'URL',
        group: 'certificates',
      }),
    acmeEmail: z.email().optional().meta({
      description: 'whom they may write to about certificates',
      placeholder: 'EMAIL',
      group: 'certificates',
    }),
    acmeAgree: z.boolean().default(false).meta({
      description: 'their terms of service are agreed to; none is asked for without',
      group: 'certificates',
    }),
    acmeCa: text.optional().meta({
      description: 'certificates of a private authority to trust at --acme-directory, PEM',
      placeholder: 'FILE',
      group: 'certificates',
    }),
    web: address.optional().meta({
      description: 'where the REST API and the console are served; nowhere unless given',
      group: 'listeners',
    }),
    npsApi: apiKey.optional().meta({
      description: 'key of the web API of nps, at least 16 characters; its routes are not there without one',
      secret: true,
      group: 'access',
    }),
    ports: portRanges.prefault('1024-65535').meta({
      description: 'ports that tunnels may be opened at',
      group: 'access',
      live: true,
    }),
    programs: wholeNumber(1, 65_536).prefault(256).meta({
      description: 'programs of one client that may be connected at a time',
      group: 'limits',
    }),
    dialMs: dialMs.meta({ ...dialMs.meta(), description: 'to reach a target through its client' }),
    deadMs: duration.prefault('15').meta({
      description: 'how long a client may say nothing, not even to pings, before it counts as gone',
      flag: 'dead-after',
      group: 'timeouts',
    }),
    udpIdleMs: duration.prefault('5m').meta({
      description: 'how long the datagrams of one visitor may pause before they are forgotten',
      flag: 'udp-idle',
      group: 'timeouts',
      live: true,
    }),
    keepAliveMs: duration.prefault('60').meta({
      description: 'how long a visitor over HTTP may take to begin the next request',
      flag: 'keep-alive-timeout',
      group: 'timeouts',
      live: true,
    }),
    responseMs: duration.prefault('5m').meta({
      description: 'how long a target may take to begin its response to a request over HTTP',
      flag: 'response-timeout',
      group: 'timeouts',
      live: true,
    }),
  })
