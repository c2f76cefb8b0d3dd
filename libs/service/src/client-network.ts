import { plainIp } from '@sluice/net'
import { formatIp } from '@sluice/wire'

/** What one client has to itself: an IPv4 address, but of IPv6 a /64, in which it can take any address. */
export const clientNetwork = (ip: string): string => {
  const bytes = ip.includes(':') ? plainIp(ip) : undefined
  if (bytes === undefined) return ip
  return bytes.length === 4 ? formatIp(bytes) : `${formatIp(bytes.fill(0, 8))}/64`
}
