import { isIP } from 'node:net'
import type { IpFamily } from '@sluice/net'
import { formatAddress, parseAddress } from '@sluice/wire'
import { z } from 'zod'
import type { ConfigSchema } from './config-options.ts'

/** How a program finds the addresses of names. */
export interface DnsConfig {
  /** `IP`, `IP:PORT` or `[IPv6]:PORT` each; undefined: the system is asked. */
  dns: string[] | undefined
  dnsPrefer: IpFamily | 'none'
  dnsOnly: IpFamily | undefined
}

const MAX_SERVERS = 8

const nameServer = (written: string): string => {
  if (isIP(written) !== 0) return written
  const address = parseAddress(written)
  if (isIP(address.host) === 0 || address.port === 0) throw new RangeError('no address')
  return formatAddress(address)
}

const nameServers: z.ZodType<string[], string | string[]> = z
  .union([z.array(z.string()), z.string().transform((value) => value.split(','))])
  .transform((values, context) => {
    try {
      if (values.length > 0 && values.length <= MAX_SERVERS)
        return values.map((value) => nameServer(value.trim()))
    } catch {
      // Said below.
    }
    context.addIssue({ code: 'custom', message: 'no name servers' })
    return z.NEVER
  })
  .meta({
    placeholder: 'IP[:PORT][,…]',
    wanted: `1 to ${MAX_SERVERS} addresses of name servers, such as 9.9.9.9 or [2620:fe::fe]:53`,
    list: true,
  })

export const dnsSchema: ConfigSchema<DnsConfig> = z.object({
  dns: nameServers.optional().meta({
    description: 'name servers to ask, in the place of what the system has',
    group: 'dialling',
    live: true,
  }),
  dnsPrefer: z.enum(['none', 'ipv4', 'ipv6']).default('none').meta({
    description: 'which addresses of a name are tried first; none: as they come',
    group: 'dialling',
    live: true,
  }),
  dnsOnly: z
    .enum(['ipv4', 'ipv6'])
    .optional()
    .meta({ description: 'names lead to no other addresses', group: 'dialling', live: true }),
})
