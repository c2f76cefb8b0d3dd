import { z } from 'zod'
import {
  type ClientRecord,
  type HostRecord,
  TUNNEL_MODES,
  type TunnelMode,
  type TunnelRecord,
} from '../records.ts'
import * as values from './record-values.ts'

const limited = {
  remark: values.remark.default(''),
  enabled: values.enabled.default(true),
  limits: values.limits.default({}),
  expiresAt: values.time.exactOptional(),
  allow: values.networks.exactOptional(),
  deny: values.networks.exactOptional(),
}
const served = {
  clientId: values.count,
  targets: values.targets.default([]),
  balance: z.enum(['roundRobin', 'leastConnections']).default('roundRobin'),
  health: values.health.exactOptional(),
  proxyHeader: z.literal([1, 2]).exactOptional(),
}

/** A record as it is written: the store adds the rest. */
export type Body<Record> = Omit<Record, 'id' | 'createdAt'>

export const clientSchema: z.ZodType<Body<ClientRecord>> = z.strictObject({
  ...limited,
  userId: z.string().min(1).max(255).exactOptional(),
  vkeyHash: values.sha256.exactOptional(),
  publicKey: values.publicKey.exactOptional(),
  login: values.login.exactOptional(),
  webLogin: values.login.exactOptional(),
  crypt: z.boolean().default(false),
  compress: z.boolean().default(false),
  selection: z.enum(['primary', 'roundRobin', 'random']).default('primary'),
  maxTunnels: values.count.exactOptional(),
  mayConfigure: z.boolean().default(false),
  registeredOnly: z.boolean().exactOptional(),
})

/** Modes that visitors come to by a password, and not by a port. */
const PRIVATE_MODES: ReadonlySet<TunnelMode> = new Set(['secret', 'p2p'])
const TARGET_MODES: ReadonlySet<TunnelMode> = new Set(['tcp', 'udp', 'secret'])

export const isPrivate = (mode: TunnelMode): boolean => PRIVATE_MODES.has(mode)

export const tunnelSchema: z.ZodType<Body<TunnelRecord>> = z
  .strictObject({
    ...limited,
    ...served,
    mode: z.enum(TUNNEL_MODES),
    host: values.bindHost.exactOptional(),
    port: values.port.exactOptional(),
    passwordHash: values.sha256.exactOptional(),
    logins: values.logins.exactOptional(),
    localPath: values.path.exactOptional(),
    stripPrefix: values.path.exactOptional(),
  })
  .superRefine((tunnel, context) => {
    const problem = tunnelProblem(tunnel)
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [problem[0]], message: problem[1] })
  })

/** What does not go together in a tunnel: a key, and what was wanted. */
function tunnelProblem(
  tunnel: Pick<TunnelRecord, 'mode' | 'targets'> & {
    port?: unknown
    host?: unknown
    passwordHash?: unknown
  },
): [key: string, message: string] | undefined {
  const { mode, targets, port, host, passwordHash } = tunnel
  if (isPrivate(mode)) {
    if (passwordHash === undefined) return ['password', `wanted for ${mode}: visitors come by it`]
    if (port !== undefined || host !== undefined) return ['port', `wanted none: ${mode} does not listen`]
  } else if (port === undefined) return ['port', `wanted for ${mode}`]
  if (TARGET_MODES.has(mode) && targets.length === 0) return ['targets', `wanted one at least for ${mode}`]
  if (!TARGET_MODES.has(mode) && mode !== 'p2p' && targets.length > 0)
    return ['targets', `wanted none: visitors of ${mode} say themselves where they want to go`]
  return undefined
}

/** A name of two labels or more, none of them `*`, the last one no number: no address either. */
const NAMED = /^(?:[a-z0-9-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*$/

export const hostSchema: z.ZodType<Body<HostRecord>> = z
  .strictObject({
    ...limited,
    ...served,
    host: values.hostName,
    location: values.location.default('/'),
    scheme: z.enum(['all', 'http', 'https']).default('all'),
    hostChange: values.authority.exactOptional(),
    headers: values.headers.default([]),
    certFile: values.path.exactOptional(),
    keyFile: values.path.exactOptional(),
    passThrough: z.boolean().default(false),
    autoHttps: z.boolean().default(false),
    autoCert: z.boolean().default(false),
    cacheBytes: values.cacheBytes.exactOptional(),
  })
  .refine(({ targets }) => targets.length > 0, { path: ['targets'], error: 'wanted one at least' })
  .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
    path: ['certFile'],
    error: 'wanted with keyFile, or neither',
  })
  .refine(({ autoCert, certFile, passThrough }) => !autoCert || (certFile === undefined && !passThrough), {
    path: ['autoCert'],
    error: 'wanted without a certificate of its own, or one of its target',
  })
  .refine(({ autoCert, host }) => !autoCert || NAMED.test(host), {
    path: ['autoCert'],
    error: 'wanted with a name: none is to be had for *. or an address',
  })
