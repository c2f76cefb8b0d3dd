import { type Reader, refuse } from '@sluice/net'
import { type Handshake, ServiceError } from '@sluice/service'
import { type ForwardSettings, http } from '@sluice/service/http'
import { socks4, socks5, UdpAssociate } from '@sluice/service/socks'
import type { LiveTunnel } from '../registry.ts'
import { type PacketParts, packetPaths } from './packet-path.ts'
import type { ProxyLogins } from './proxy-logins.ts'
import { loginsOf } from './tunnel-place.ts'
import type { VisitParts } from './visit.ts'

export interface ProxyParts extends VisitParts, PacketParts {
  readonly logins: ProxyLogins
  readonly forward: () => ForwardSettings
}

const SOCKS4 = 0x04
const SOCKS5 = 0x05
const NOTHING = new Uint8Array(0)

const isLetter = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a

/** A proxy whose targets are those of the client; `mixed` takes each protocol, told apart by the first byte. */
export const proxyHandshake = (tunnel: LiveTunnel, parts: ProxyParts): Handshake => {
  const logins = parts.logins.of(tunnel)
  const udp = new UdpAssociate({ open: packetPaths(tunnel, parts) })
  return async (reader) => {
    const { mode } = tunnel.record
    const first = await reader.peek()
    const known = loginsOf(tunnel).length === 0 ? parts.ownerOf(tunnel.client) : undefined
    if (first === SOCKS5 && mode !== 'httpProxy') return socks5(reader, logins, known, { udp })
    if (first === SOCKS4 && mode === 'mixed') return socks4(reader, logins, known, {})
    if (isLetter(first) && mode !== 'socks5') return http(reader, logins, { known, forward: parts.forward() })
    return unknown(reader, first)
  }
}

/** There are no words for somebody whose protocol nobody knows. */
const unknown = async ({ conn }: Reader, first: number): Promise<never> => {
  await refuse(conn, NOTHING)
  throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
}
