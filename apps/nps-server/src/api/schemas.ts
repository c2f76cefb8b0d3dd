import { z } from 'zod'
import { TUNNEL_MODES } from '../records.ts'
import {
  balance,
  clearable,
  COMMON,
  type Fields,
  health,
  id,
  limits,
  limitsPatch,
  login,
  logins,
  optional,
  port,
  proxyHeader,
  targets,
  text,
} from './fields.ts'
import type {
  ClientChange,
  ClientInput,
  HostChange,
  HostInput,
  TunnelChange,
  TunnelInput,
} from '../manager-inputs.ts'
import { type NewToken, TOKEN_SCOPES } from '../store/token-table.ts'

/** One tunnel, or with `ports` one for each of a range. */
export type TunnelsInput = TunnelInput & { readonly ports?: string }

/** A token that is wanted. */
export type TokenInput = Omit<NewToken, 'hash' | 'totp'> & { readonly totp?: boolean }

const CLIENT = {
  ...COMMON,
  user: text(64, 'name of the user whose limits hold for it too'),
  login: login.meta({ description: 'of visitors, at hosts and proxies' }),
  webLogin: login,
  crypt: z.boolean().meta({ description: 'TLS within streams to npc' }),
  compress: z.boolean().meta({ description: 'snappy within streams to npc, where there is no TLS' }),
  selection: z.enum(['primary', 'roundRobin', 'random']).meta({
    description: 'which of several connected programs takes a stream',
  }),
  maxTunnels: z.int().positive().meta({ description: 'tunnels and hosts together' }),
  mayConfigure: z.boolean().meta({ description: 'whether its program may bring tunnels of its own' }),
  registeredOnly: z.boolean().meta({ description: 'whether visitors come from registered addresses alone' }),
}
const VKEY = {
  vkey: z.string().min(16).max(256).meta({ writeOnly: true, description: 'in place of one that is made' }),
}

const TUNNEL = {
  ...COMMON,
  host: text(255, 'address to listen on; 127.0.0.1 where it is left out'),
  port,
  targets,
  balance,
  health,
  proxyHeader,
  password: text(1024, 'of a secret or p2p tunnel').min(1).meta({ writeOnly: true }),
  logins: logins.meta({ description: 'of visitors of a proxy; the client’s where it is left out' }),
  localPath: text(4096, 'folder at the client'),
  stripPrefix: text(1024, 'cut off the front of paths'),
}

const HOST = {
  ...COMMON,
  location: text(1024, 'prefix of paths'),
  scheme: z.enum(['all', 'http', 'https']),
  targets,
  balance,
  health,
  proxyHeader,
  hostChange: text(255, 'what targets see as Host'),
  headers: z.array(z.tuple([z.string().min(1).max(256), z.string().max(8192)])).max(100),
  certFile: text(4096, 'PEM, at the server; refused where it is of no use'),
  keyFile: text(4096, 'PEM, at the server'),
  passThrough: z.boolean().meta({ description: 'TLS goes to the target as it is' }),
  autoHttps: z.boolean().meta({ description: 'visitors by http are sent to https' }),
  autoCert: z.boolean().meta({ description: 'its certificate is asked for by ACME' }),
  cacheBytes: z
    .int()
    .min(1)
    .max(268_435_456)
    .meta({ description: 'of its answers, kept in memory for others' }),
}
const NAME = { host: text(255, 'a name, or `*.` and a name').min(1) }

const object = <T>(title: string, fields: Fields): z.ZodType<T> =>
  z.strictObject(fields).meta({ title }) as z.ZodType as z.ZodType<T>

export const newClient: z.ZodType<ClientInput> = object('NewClient', optional({ ...CLIENT, ...VKEY, limits }))
export const clientPatch: z.ZodType<ClientChange> = object('ClientPatch', {
  ...clearable(CLIENT),
  ...optional({ limits: limitsPatch }),
})
const PORTS = {
  ports: text(
    11,
    'in place of `port`, such as `8001-8010`: a tunnel each, all or none, told as `items`; targets that are ranges go port by port',
  ),
}

export const newTunnel: z.ZodType<TunnelsInput> = object<TunnelsInput>('NewTunnel', {
  clientId: id,
  mode: z.enum(TUNNEL_MODES),
  ...optional({ ...TUNNEL, ...PORTS, limits }),
}).refine(({ port: one, ports }) => one === undefined || ports === undefined, {
  path: ['ports'],
  error: 'not with port',
})
export const tunnelPatch: z.ZodType<TunnelChange> = object('TunnelPatch', {
  ...clearable(TUNNEL),
  ...optional({ limits: limitsPatch }),
})
export const newHost: z.ZodType<HostInput> = object('NewHost', {
  clientId: id,
  ...NAME,
  ...optional({ ...HOST, limits }),
})
export const hostPatch: z.ZodType<HostChange> = object('HostPatch', {
  ...clearable(HOST),
  ...optional({ ...NAME, limits: limitsPatch }),
})
export const newToken: z.ZodType<TokenInput> = object('NewToken', {
  name: text(64, 'for people').min(1),
  scopes: z.array(z.enum(TOKEN_SCOPES)).min(1).max(TOKEN_SCOPES.length),
  ...optional({
    expiresAt: COMMON.expiresAt,
    totp: z.boolean().meta({ description: 'who shows it has to bring a code of an authenticator app, too' }),
  }),
})

/** Which part of a list. */
export interface PageQuery {
  readonly limit: number
  readonly cursor?: number | undefined
  readonly search?: string | undefined
  readonly client?: number | undefined
}

const number = (least: number, most: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most)
    .meta({ type: 'integer', minimum: least, maximum: most })

const PAGE = {
  limit: number(1, 500).default(100).meta({ description: 'most that are told at once, 100 by default' }),
  cursor: number(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'the `next` of the page before' }),
}
const SEARCH = {
  search: z.string().max(256).optional().meta({ description: 'in ids, remarks, names and addresses' }),
}
const OF_CLIENT = { client: number(1, Number.MAX_SAFE_INTEGER).optional() }

function query(fields: Fields): z.ZodType<PageQuery> {
  return z.strictObject(fields) as z.ZodType as z.ZodType<PageQuery>
}

/** Of the audit log and the tokens, of clients, and of what belongs to a client. */
export const pageQuery: z.ZodType<PageQuery> = query(PAGE)
export const searchQuery: z.ZodType<PageQuery> = query({ ...PAGE, ...SEARCH })
export const ownedQuery: z.ZodType<PageQuery> = query({ ...PAGE, ...SEARCH, ...OF_CLIENT })
