import type { PortRange } from '@sluice/net'
import { isLoopbackListener } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { isAmong } from '../config-types.ts'
import { TUNNEL_HOST, type TunnelMode } from '../records.ts'
import type { LiveTunnel } from '../registry.ts'
import { isPrivate } from '../store/record-schemas.ts'

/** Where a tunnel is to be open, or why it cannot be; neither where nobody wants it to be. */
export interface Place {
  readonly address?: Address
  readonly problem?: string
}

/** What holds for all places. */
export interface PlaceRules {
  readonly ports: readonly PortRange[]
  /** Whoever runs the program wants proxies for everybody. */
  readonly open: boolean
}

export const NOWHERE: Place = {}

/** A tunnel that is there, or may come to be. */
type Placed = Pick<LiveTunnel, 'record' | 'client'>

const PROXIES: ReadonlySet<TunnelMode> = new Set(['socks5', 'httpProxy', 'mixed'])

/** Its visitors say where they want to go. */
export const isProxy = ({ record }: Pick<LiveTunnel, 'record'>): boolean => PROXIES.has(record.mode)

/** What visitors of a proxy sign in with: its own logins, or its client's. */
export const loginsOf = ({ record, client }: Placed): NonNullable<LiveTunnel['record']['logins']> => {
  if (record.logins !== undefined && record.logins.length > 0) return record.logins
  return client.record.login === undefined ? [] : [client.record.login]
}

export const placeOf = (tunnel: Placed, { ports, open }: PlaceRules): Place => {
  const { record, client } = tunnel
  const { mode, host = TUNNEL_HOST, port } = record
  if (!record.enabled || !client.record.enabled || isPrivate(mode)) return NOWHERE
  if (port === undefined) return { problem: 'it has no port' }
  // Port 0 is any that is free, and none that others have use for.
  if (port !== 0 && !isAmong(ports, port)) return { problem: `port ${port} is not among --ports` }
  const address = { host, port }
  const isForAll = isProxy(tunnel) && loginsOf(tunnel).length === 0
  if (isForAll && !isLoopbackListener(address) && !open) {
    return { problem: 'a proxy beyond loopback needs a login' }
  }
  return { address }
}

export const isSamePlace = (one: Place, other: Place): boolean =>
  one.problem === other.problem &&
  one.address?.host === other.address?.host &&
  one.address?.port === other.address?.port
