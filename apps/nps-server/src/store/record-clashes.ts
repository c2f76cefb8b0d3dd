import type { HostRecord, TunnelRecord } from '../records.ts'

const isAnyAddress = (host: string): boolean => /^(?:0\.0\.0\.0|\[?::\]?)$/.test(host)

/** Without a host a tunnel is on loopback. */
const hostOf = ({ host = '127.0.0.1' }: Port): string => host

type Port = Pick<TunnelRecord, 'mode' | 'host' | 'port' | 'enabled'>

/** Whether two tunnels cannot listen at the same time. Port 0 is any that is free. */
export function portsClash(one: Port, other: Port): boolean {
  if (!one.enabled || !other.enabled) return false
  if (one.port === undefined || one.port === 0 || one.port !== other.port) return false
  if ((one.mode === 'udp') !== (other.mode === 'udp')) return false
  const [here, there] = [hostOf(one), hostOf(other)]
  return here === there || isAnyAddress(here) || isAnyAddress(there)
}

type Name = Pick<HostRecord, 'host' | 'location' | 'scheme' | 'enabled'>

/** Whether one request could be for either of two hosts. */
export function hostsClash(one: Name, other: Name): boolean {
  if (!one.enabled || !other.enabled) return false
  if (one.host !== other.host || one.location !== other.location) return false
  return one.scheme === other.scheme || one.scheme === 'all' || other.scheme === 'all'
}
