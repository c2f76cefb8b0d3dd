import { plainIp } from '@sluice/net'
import { formatIp } from '@sluice/wire'

/** Where an address is among those that one customer may well have all of: an IPv4 /24, or an IPv6 /48. */
export const wideNetwork = (ip: string): string => {
  const bytes = plainIp(ip)
  if (bytes === undefined) return ip
  return bytes.length === 4 ? `${formatIp(bytes.fill(0, 3))}/24` : `${formatIp(bytes.fill(0, 6))}/48`
}
