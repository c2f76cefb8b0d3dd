import { domainToASCII } from 'node:url'
import { cidrs } from '@sluice/service'
import { isPasswordHash, isUserName, isZone } from '@sluice/userstore'
import { isSettableField, parseAddress, parseHost } from '@sluice/wire'
import { z } from 'zod'
import type { FlowLimits, HealthCheck, Login } from '../records.ts'

// The values that records are made of. Errors name the key and what was wanted, never the value: it may be a secret.

const TIME_MAX = 253_402_300_799_999
const TARGETS_MAX = 256
const LOGINS_MAX = 1000
const HEADERS_MAX = 100
const REMARK_MAX = 1024
const PATH_MAX = 4096

const wanted = (what: string): { error: string } => ({ error: `wanted ${what}` })
const amount = z.int(wanted('a whole number above 0')).min(1, wanted('a whole number above 0'))
const HEX_64 = /^[\da-f]{64}$/

export const time: z.ZodType<number> = z
  .int()
  .min(1)
  .max(TIME_MAX, wanted('ms since 1970, up to the year 9999'))
export const count: z.ZodType<number> = amount
export const remark: z.ZodType<string> = z
  .string()
  .max(REMARK_MAX, wanted(`at most ${REMARK_MAX} characters`))
export const sha256: z.ZodType<string> = z
  .string()
  .regex(HEX_64, wanted('a SHA-256, 64 digits of lower-case hex'))
export const publicKey: z.ZodType<string> = z.string().regex(/^[\w-]{43}$/, wanted('32 octets in base64url'))
export const networks: typeof cidrs = cidrs
export const enabled: z.ZodType<boolean> = z.boolean()

export const limits: z.ZodType<FlowLimits> = z.strictObject({
  up: amount.exactOptional(),
  down: amount.exactOptional(),
  total: amount.exactOptional(),
  burst: amount.exactOptional(),
  connections: amount.exactOptional(),
  quotaBytes: amount.exactOptional(),
  quotaPeriod: z.enum(['day', 'week', 'month']).exactOptional(),
  quotaAnchorDay: amount.max(31, wanted('a day of the month, 1 to 31')).exactOptional(),
  quotaZone: z.string().max(64).refine(isZone, wanted('an IANA time zone')).exactOptional(),
})

export const login: z.ZodType<Login> = z.strictObject({
  name: z
    .string()
    .refine(isUserName, wanted('a name of 1 to 255 bytes without colon, blank or control character')),
  hash: z.string().refine(isPasswordHash, wanted('a hash as hashPassword gives it')),
})
export const logins: z.ZodType<Login[]> = z.array(login).max(LOGINS_MAX)

/** `host:port`, or a port of the client's loopback. */
export const target: z.ZodType<string> = z
  .string()
  .max(300)
  .refine(isTarget, wanted('targets as HOST:PORT or PORT'))
export const targets: z.ZodType<string[]> = z
  .array(target)
  .max(TARGETS_MAX, wanted(`at most ${TARGETS_MAX} targets`))

function isTarget(text: string): boolean {
  if (/^\d{1,5}$/.test(text)) return Number(text) > 0 && Number(text) <= 65_535
  return passes(() => parseAddress(text).port > 0)
}

export const port: z.ZodType<number> = z.int().min(0).max(65_535, wanted('a port'))
export const bindHost: z.ZodType<string> = z
  .string()
  .max(255)
  .refine((text) => passes(() => parseHost(text) !== ''), wanted('a host to listen on'))

const LABELS = /^(?:\*\.)?(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?\.)*[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/

/** In ASCII and lower case, without a dot at the end; international names become their `xn--` form. */
export const hostName: z.ZodType<string> = z
  .string()
  .max(255)
  .transform(asciiName)
  .refine((name) => name.length <= 253 && LABELS.test(name), wanted('a host name, or *. and a name'))

function asciiName(text: string): string {
  const isWild = text.startsWith('*.')
  const name = domainToASCII(isWild ? text.slice(2) : text).replace(/\.$/, '')
  return isWild && name !== '' ? `*.${name}` : name
}

/** What comes before a path in a request, without query and blanks. */
export const location: z.ZodType<string> = z
  .string()
  .max(PATH_MAX)
  .regex(/^\/[^\s?#\p{Cc}]*$/u, wanted('a path that begins with /'))

/** A path of a file system, or a piece of a URL's. */
export const path: z.ZodType<string> = z
  .string()
  .min(1)
  .max(PATH_MAX)
  .regex(/^[^\p{Cc}]*$/u, wanted('a path'))

export const authority: z.ZodType<string> = z
  .string()
  .max(300)
  .regex(/^[\w.:[\]-]+$/, wanted('a host, with or without a port'))

/** What would not be sent is not kept: fields that frame a message, or are for one hop, are the server's own. */
const header = z.tuple([
  z
    .string()
    .max(256)
    .regex(/^[!#$%&'*+.^_`|~\w-]+$/, { ...wanted('the name of a header'), abort: true })
    .refine((name) => isSettableField(name, ''), wanted('a header that is not the server’s own')),
  z
    .string()
    .max(8192)
    .refine(
      (value) => isSettableField('X', value),
      wanted('the value of a header: one line of Latin-1, without blanks around it'),
    ),
])
export const headers: z.ZodType<[string, string][]> = z.array(header).max(HEADERS_MAX)

export const health: z.ZodType<HealthCheck> = z.strictObject({
  type: z.enum(['tcp', 'http']),
  path: location.exactOptional(),
  intervalMs: z.int().min(1000).max(3_600_000),
  timeoutMs: z.int().min(100).max(60_000),
  failures: z.int().min(1).max(100),
})

function passes(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}
