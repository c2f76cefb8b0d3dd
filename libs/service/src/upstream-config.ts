import {
  DIRECT,
  hidePassword,
  type Hop,
  parseUpstreamUrl,
  type UpstreamGroup,
  type UpstreamMember,
} from '@sluice/net'
import { z } from 'zod'
import type { ConfigSchema } from './config-options.ts'
import { duration, textType, wholeNumber, type Written } from './config-types.ts'

/** Through which proxies a program dials. */
export interface UpstreamConfig {
  /** The members of an upstream called `default`, the first that is up being taken. */
  upstream: Hop[] | undefined
  /** By name. */
  upstreams: Record<string, UpstreamGroup>
}

/** The upstream that everything goes through, where there is one of that name. */
const DEFAULT = 'default'
const MAX_HOPS = 8
const MAX_MEMBERS = 64
const MAX_UPSTREAMS = 64
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/

const hop = textType('URL', 'the URL of a proxy, such as socks5://user:password@host:1080', parseUpstreamUrl)
const hops = z.array(hop).min(1).max(MAX_HOPS)

const check = z
  .strictObject({
    failures: wholeNumber(1, 1000).prefault(3),
    timeout: duration.prefault('4'),
    retry: duration.prefault('1'),
    'retry-max': duration.prefault('60'),
  })
  .transform((written) => ({
    failures: written.failures,
    timeoutMs: written.timeout,
    retryMs: written.retry,
    retryMaxMs: written['retry-max'],
  }))

const way = { url: hop.optional(), chain: hops.optional() }

const member = z
  .strictObject({ ...way, weight: wholeNumber(1, 1000).prefault(1) })
  .refine(({ url, chain }) => (url === undefined) !== (chain === undefined), 'either url or chain')
  .transform(({ url, chain = [], weight }): UpstreamMember => ({
    hops: url === undefined ? chain : [url],
    weight,
  }))

const group = z
  .strictObject({
    ...way,
    members: z.array(member).min(1).max(MAX_MEMBERS).optional(),
    balance: z.enum(['roundrobin', 'first']).default('roundrobin'),
    check: check.prefault({}),
  })
  .refine(
    ({ url, chain, members }) => [url, chain, members].filter((each) => each !== undefined).length === 1,
    'one of url, chain and members',
  )
  .transform(({ url, chain = [], members, ...rest }): UpstreamGroup => {
    return { ...rest, members: members ?? [{ hops: url === undefined ? chain : [url], weight: 1 }] }
  })

const groups: z.ZodType<Record<string, UpstreamGroup>> = z
  .record(z.string(), group)
  .superRefine((written, context) => {
    const names = Object.keys(written)
    for (const name of names.filter((each) => !NAME.test(each) || each === DIRECT)) {
      const message = `a name of up to 64 letters, digits, dots, dashes and underscores, and not ${DIRECT}`
      context.addIssue({ code: 'custom', path: [name], message })
    }
    if (names.length > MAX_UPSTREAMS) context.addIssue({ code: 'custom', message: `over ${MAX_UPSTREAMS}` })
  })

const list: z.ZodType<Hop[], string | Written[]> = z
  .union([
    z.array(z.union([z.string(), z.number()])),
    z.string().transform((value): Written[] => value.split(',')),
  ])
  .pipe(z.array(hop).min(1).max(MAX_MEMBERS))

/** A comma between two URLs; one in a password has no scheme behind it. */
const NEXT_URL = /,(?=\s*[a-z0-9]+:\/\/)/i

/** The same value with the password of every URL in it as `***`. */
const redact = (written: unknown): unknown => {
  if (typeof written === 'string') return written.split(NEXT_URL).map(hidePassword).join(',')
  if (Array.isArray(written)) return written.map(redact)
  if (typeof written !== 'object' || written === null) return written
  return Object.fromEntries(Object.entries(written).map(([key, value]) => [key, redact(value)]))
}

export const upstreamSchema: ConfigSchema<UpstreamConfig> = z.object({
  upstream: list.optional().meta({
    description: 'proxies to reach targets through, the next where one fails: http, https, socks5 or socks5s',
    placeholder: 'URL[,URL]',
    wanted: 'URLs of proxies, such as socks5://user:password@host:1080',
    list: true,
    group: 'dialling',
    live: true,
    redact,
  }),
  upstreams: groups.prefault({}).meta({
    description: 'proxies to reach targets through, in groups with names; see Upstream proxies',
    placeholder: 'MAP',
    wanted: 'upstreams by their names, each with url, chain or members',
    from: ['file'],
    group: 'dialling',
    live: true,
    redact,
  }),
})

/** All upstreams that are set up, `--upstream` among them: it wins over one that is called `default` in the file. */
export const upstreamGroups = ({
  upstream,
  upstreams = {},
}: Partial<UpstreamConfig>): Record<string, UpstreamGroup> => {
  if (upstream === undefined) return upstreams
  const members = upstream.map((each) => ({ hops: [each], weight: 1 }))
  return { ...upstreams, [DEFAULT]: { members, balance: 'first', check: check.parse({}) } }
}

/** What rules may name: `direct` first. */
export const upstreamNames = (config: Partial<UpstreamConfig>): string[] => [
  DIRECT,
  ...Object.keys(upstreamGroups(config)),
]

/** Where whatever no rule sends elsewhere goes: `default` where that is set up, else `direct`. */
export const usualUpstream = (config: Partial<UpstreamConfig>): string =>
  upstreamNames(config).includes(DEFAULT) ? DEFAULT : DIRECT
