import {
  cidrs,
  date,
  flag,
  type LimitFlags,
  limitFlags as userFlags,
  orNone,
  patchOf,
  text,
  textType,
  wholeNumber,
} from '@sluice/service'
import { type Address, parseAddress, parseHost } from '@sluice/wire'
import { z } from 'zod'
import type { Balance, FlowLimits, HealthCheck } from '../records.ts'

export type Flags<T> = { [K in keyof T]: z.ZodType<T[K]> }

/** What flags say of limits and expiry: null takes one away, undefined leaves it alone. */
type FlowFlags = Pick<
  LimitFlags,
  'up' | 'down' | 'total' | 'burst' | 'connections' | 'quota' | 'quotaAnchorDay' | 'quotaZone' | 'expires'
>

/** What clients, tunnels and hosts have in common. */
export interface CommonRecordFlags extends FlowFlags {
  remark: string | undefined
  visitors: string[] | null | undefined
  deny: string[] | null | undefined
}

export const about = (
  description: string,
  group = 'flags',
): { description: string; from: ['flag']; group: string } => ({ description, from: ['flag'], group })

const networks = orNone(
  textType('CIDR[,CIDR]', 'networks, such as 10.0.0.0/8', (written) => cidrs.parse(written)),
).optional()

const { up, down, total, burst, connections, quota, quotaAnchorDay, quotaZone } = userFlags

export const commonRecordFlags: Flags<CommonRecordFlags> = {
  remark: z
    .string()
    .optional()
    .meta({ ...about('what people should know of it'), placeholder: 'TEXT' }),
  up: up.meta({ ...up.meta(), description: 'bytes per second from visitors to the client' }),
  down: down.meta({ ...down.meta(), description: 'bytes per second from the client to visitors' }),
  total,
  burst,
  connections,
  quota,
  quotaAnchorDay,
  quotaZone,
  expires: orNone(date)
    .optional()
    .meta(about('when visitors are refused from; a day begins in UTC', 'access')),
  visitors: networks.meta(about('networks that visitors may come from, and no others', 'access')),
  deny: networks.meta(about('networks that visitors may not come from', 'access')),
}

interface CommonPatch {
  remark?: string
  limits?: { [K in keyof FlowLimits]?: FlowLimits[K] | null }
  expiresAt?: number | null
  allow?: readonly string[] | null
  deny?: readonly string[] | null
}

/** The change that the flags ask for, without what they do not mention. */
export function commonPatch(flags: CommonRecordFlags): CommonPatch {
  const { remark, visitors, deny } = flags
  const { limits, expiresAt } = patchOf({ ...flags, ips: undefined, groups: undefined, source: undefined })
  return {
    ...(remark !== undefined && { remark }),
    ...(limits !== undefined && { limits }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(visitors !== undefined && { allow: visitors }),
    ...(deny !== undefined && { deny }),
  }
}

type Given<T> = {
  [K in keyof T]?: K extends 'limits' ? Given<NonNullable<T[K]>> : Exclude<T[K], null>
}

/** Of a new record, where there is nothing to take away. */
export function withoutNulls<T extends object>(patch: T): Given<T> {
  const kept = Object.entries(patch)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, key === 'limits' ? withoutNulls(Object(value)) : value])
  return Object.fromEntries(kept)
}

/** Of what flags say, that which they mention. */
export const mentioned = <T extends object>(flags: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

/** What tunnels and hosts have in common. */
export interface ServedFlags {
  target: string[] | undefined
  balance: Balance | undefined
  health: HealthCheck | null | undefined
  proxyHeader: 1 | 2 | null | undefined
}

export const list = (placeholder: string, wanted: string): z.ZodType<string[], string | number> =>
  textType(placeholder, wanted, (written) => {
    const parts = written.split(',').map((part) => part.trim())
    if (parts.includes('')) throw new RangeError('empty')
    return parts
  })

const HEALTH =
  /^(tcp|http)(?::(\/[^\s;]*))?(?:;every=(\d{1,4}))?(?:;timeout=(\d{1,2}))?(?:;failures=(\d{1,3}))?$/

const health = textType(
  'tcp|http:/PATH[;every=S][;timeout=S][;failures=N]',
  'a check, such as tcp or http:/healthz;every=10',
  (written): HealthCheck => {
    const [, type, path, every = '10', timeout = '5', failures = '3'] = HEALTH.exec(written) ?? []
    if (type === undefined || (type === 'tcp' && path !== undefined)) throw new RangeError('no check')
    return {
      type: type === 'tcp' ? 'tcp' : 'http',
      ...(path !== undefined && { path }),
      intervalMs: Number(every) * 1000,
      timeoutMs: Number(timeout) * 1000,
      failures: Number(failures),
    }
  },
)

export const servedFlags: Flags<ServedFlags> = {
  target: list('HOST:PORT[,…]', 'targets as HOST:PORT or PORT, with commas')
    .optional()
    .meta({ ...about('where the client dials; a bare port is of its own loopback'), list: true }),
  balance: z
    .enum(['roundRobin', 'leastConnections'])
    .optional()
    .meta(about('which of several targets is next; roundRobin unless told')),
  health: orNone(health).optional().meta(about('how targets are checked; not at all unless told')),
  proxyHeader: orNone(wholeNumber(1, 2) as z.ZodType<1 | 2, string | number>)
    .optional()
    .meta(about('version of the PROXY protocol header that targets are sent')),
}

/** What is said of targets, as records have it. */
export const servedPatch = ({
  target,
  balance,
  health: check,
  proxyHeader,
}: ServedFlags): {
  targets?: string[]
  balance?: Balance
  health?: HealthCheck | null
  proxyHeader?: 1 | 2 | null
} => ({
  ...(target !== undefined && { targets: target }),
  ...(balance !== undefined && { balance }),
  ...(check !== undefined && { health: check }),
  ...(proxyHeader !== undefined && { proxyHeader }),
})

/** Where to listen: one port, or several. */
export interface Listen {
  readonly host: string
  /** `8001` or `8001-8010`. */
  readonly ports: string
}

export const listen: z.ZodType<Listen, string | number> = textType(
  'HOST:PORT',
  'HOST:PORT or HOST:FIRST-LAST, such as 127.0.0.1:8001-8010',
  (written) => {
    const [, host = '', ports = ''] = /^(.+):(\d{1,5}(?:-\d{1,5})?)$/.exec(written) ?? []
    return { host: parseHost(host.replace(/^\[(.*)\]$/, '$1')), ports }
  },
)

export const clientId: z.ZodType<number, string | number> = wholeNumber(1)

export const servers: z.ZodType<Address[] | undefined> = textType(
  'HOST:PORT[,…]',
  'addresses as HOST:PORT, with commas',
  (written) => written.split(',').map(parseAddress),
)
  .optional()
  .meta(about('where the bridge is, for the enrolment; that which a server had last unless told'))

export const optionalText = (description: string, placeholder = 'TEXT'): z.ZodType<string | undefined> =>
  text.optional().meta({ ...about(description), placeholder })

export const optionalTextOrNone = (
  description: string,
  placeholder = 'TEXT',
): z.ZodType<string | null | undefined> =>
  orNone(text)
    .optional()
    .meta({ ...about(description), placeholder })

/** `--x`, `--no-x`, or neither. */
export const optionalFlag = (description: string): z.ZodType<boolean | undefined> =>
  z.boolean().optional().meta(about(description))

export const stdinFlag = (what: string): z.ZodType<boolean> => flag(`read ${what} from standard input`)

/** The program's own settings that a command heeds, too. */
export const settingOf = <T>(schema: z.ZodObject, key: string): z.ZodType<T> =>
  schema.shape[key] as z.ZodType<T>
