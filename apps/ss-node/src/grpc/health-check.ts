import type { LookupAddress } from 'node:dns'
import { get as getPlain, type IncomingMessage, type RequestOptions } from 'node:http'
import { get as getSecure } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { NetError, type Resolver, type TargetPolicy } from '@sluice/net'
import { RemoteError } from '../remote/remote-error.ts'
import type { HealthCheckRes } from './messages.ts'

export interface HealthCheckOptions {
  /** Asked about each address before it is dialled. */
  readonly policy: () => TargetPolicy
  readonly resolver: Pick<Resolver, 'resolve'>
  /** From the first look at the name to the head of the response. @default 5,000 */
  readonly deadlineMs?: number
}

const MAX_URL = 2048

/**
 * Fetches the head of what is at a URL, over the address policy and no upstream; redirections are not followed.
 * @returns what came of it: the status, or in its place a code such as TARGET_DENIED or ECONNREFUSED
 * @throws RemoteError INVALID
 */
export const checkHealth = async (
  url: string,
  signal: AbortSignal,
  options: HealthCheckOptions,
): Promise<HealthCheckRes> => {
  const target = checkedUrl(url)
  const started = performance.now()
  const status = await statusOf(target, signal, options)
  return { status_code: status, duration: Math.round(performance.now() - started) }
}

const checkedUrl = (text: string): URL => {
  const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : undefined
  const isFetchable =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password === ''
  if (isFetchable) return url
  throw new RemoteError(
    'INVALID',
    `url: wanted http:// or https://, at most ${MAX_URL} characters and no password`,
  )
}

const statusOf = async (
  url: URL,
  signal: AbortSignal,
  { policy, resolver, deadlineMs = 5000 }: HealthCheckOptions,
): Promise<string> => {
  const late = AbortSignal.timeout(deadlineMs)
  const within = AbortSignal.any([signal, late])
  const host = url.hostname.replaceAll(/^\[|\]$/g, '')
  try {
    const ips = isIP(host) === 0 ? await resolver.resolve(host, within) : [host]
    const lookup = lookupOf(admitted(ips, portOf(url), policy()))
    const headers = { 'user-agent': 'sluice-ss-node' }
    return String(await head(url, { agent: false, headers, lookup, signal: within }))
  } catch (error) {
    signal.throwIfAborted()
    return late.aborted ? 'TIMEOUT' : codeOf(error)
  }
}

const portOf = ({ port, protocol }: URL): number => Number(port || (protocol === 'https:' ? 443 : 80))

/** Those of the addresses that may be dialled, one at least. @throws NetError */
const admitted = (ips: readonly string[], port: number, policy: TargetPolicy): LookupAddress[] => {
  const passing = ips.filter((ip) => passes(policy, ip, port))
  if (passing.length === 0) throw new NetError('TARGET_DENIED', 'no address that may be dialled')
  return passing.map((address) => ({ address, family: isIP(address) }))
}

const passes = (policy: TargetPolicy, ip: string, port: number): boolean => {
  try {
    policy.check(ip, port)
    return true
  } catch {
    return false
  }
}

/** What has been judged is what is dialled. */
const lookupOf =
  (addresses: LookupAddress[]): LookupFunction =>
  (_host, { all }, callback) => {
    const { address, family } = addresses[0]!
    if (all === true) callback(null, addresses)
    else callback(null, address, family)
  }

const head = (url: URL, options: RequestOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? getSecure : getPlain
    const request = get(url, options, (response: IncomingMessage) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    request.on('error', reject)
  })

const codeOf = (error: unknown): string => {
  const { code } = Object(error) as { code?: unknown }
  return typeof code === 'string' ? code : 'FAILED'
}
