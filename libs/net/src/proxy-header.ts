import {
  type Address,
  decodeProxyHeader,
  encodeProxyHeader,
  formatIp,
  type ProxyEndpoints,
  WireError,
} from '@sluice/wire'
import type { Conn } from './conn.ts'
import { plainIp } from './ip-network.ts'
import { NetError } from './net-error.ts'
import type { Reader } from './reader.ts'

/**
 * Reads the PROXY header (version 1 or 2) with which a balancer begins a conn.
 * @returns for whom the balancer speaks; undefined where that is itself, or nobody with an address (LOCAL, UNKNOWN)
 * @throws NetError PROXY_HEADER_INVALID for anything else; what a read throws
 */
export const readProxyHeader = async (reader: Reader): Promise<Address | undefined> => {
  try {
    const { endpoints } = await reader.read(decodeProxyHeader)
    if (endpoints === undefined || endpoints.family === 'UNIX' || endpoints.transport !== 'STREAM')
      return undefined
    const { host, port } = endpoints.source
    return { host: formatIp(plainIp(host)!), port }
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new NetError('PROXY_HEADER_INVALID', `no PROXY header: ${cause.message}`, { cause })
  }
}

/**
 * Tells the target of a fresh conn, by a PROXY header, for which client it is.
 * @param to where the client came to, where that is not the target itself
 */
export const writeProxyHeader = (
  conn: Pick<Conn, 'remote' | 'write'>,
  version: 1 | 2,
  client: Address,
  to: Address = conn.remote,
): void => {
  const endpoints = endpointsOf(client, to)
  conn.write(encodeProxyHeader({ version, command: 'PROXY', endpoints, tlvs: [] }))
}

/** None where one of the two has gone. Of two families IPv4 is written as IPv6, since a header has one. */
const endpointsOf = (source: Address, destination: Address): ProxyEndpoints | undefined => {
  const ips = [plainIp(source.host), plainIp(destination.host)]
  if (ips.includes(undefined)) return undefined
  const isMixed = ips[0]!.length !== ips[1]!.length
  const asOne = ({ host, port }: Address): Address => ({
    host: isMixed && !host.includes(':') ? `::ffff:${host}` : formatIp(plainIp(host)!),
    port,
  })
  return {
    family: isMixed || ips[0]!.length === 16 ? 'INET6' : 'INET',
    transport: 'STREAM',
    source: asOne(source),
    destination: asOne(destination),
  }
}
