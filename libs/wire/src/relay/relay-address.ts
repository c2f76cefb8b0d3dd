import { type Address, formatAddress, parseAddress, parseHost } from '../address.ts'
import { parseIp } from '../ip.ts'
import { WireError } from '../wire-error.ts'
import { MAX_ADDRESS_BYTES } from './frame.ts'
import { formatNodeId, parseNodeId } from './node-id.ts'

export const RELAY_TRANSPORTS = ['tcp', 'tls', 'ws', 'wss'] as const
export type RelayTransport = (typeof RELAY_TRANSPORTS)[number]

/** Where a relay is, and by which identity it is known. */
export interface RelayAddress {
  readonly transport: RelayTransport
  readonly address: Address
  /** Its NodeID; absent: whichever answers. */
  readonly relay?: Uint8Array | undefined
}

/** Where a peer is: behind which relay. */
export interface CircuitAddress extends RelayAddress {
  readonly relay: Uint8Array
  readonly peer: Uint8Array
}

const URL = /^(tcp|tls|ws|wss):\/\/([^/]+)(?:\/p2p\/([^/]+))?\/?$/

/** Reads `tls://H:P` or `tls://H:P/p2p/ID`; also tcp, ws, wss. @throws WireError WIRE_SYNTAX, WIRE_ADDRESS, WIRE_VALUE */
export const parseRelayUrl = (text: string): RelayAddress => {
  const [, transport, place, id] = partsOf(URL, text) ?? []
  if (transport === undefined || place === undefined) {
    throw new WireError('WIRE_SYNTAX', 'not a relay; wanted is tls://HOST:PORT or tls://HOST:PORT/p2p/ID')
  }
  const relay = { transport: transport as RelayTransport, address: parseAddress(place) }
  return id === undefined ? relay : { ...relay, relay: parseNodeId(id) }
}

export const formatRelayUrl = ({ transport, address, relay }: RelayAddress): string =>
  `${transport}://${formatAddress(address)}${relay === undefined ? '' : `/p2p/${formatNodeId(relay)}`}`

/** Behind `/tcp/PORT`, as multiaddr names them. */
const LAYERS = { tcp: '', tls: '/tls', ws: '/ws', wss: '/tls/ws' } as const

/** `/ip4/H/tcp/P/tls/p2p/RELAY/p2p-circuit/p2p/PEER`. */
export const formatCircuitAddress = ({ transport, address, relay, peer }: CircuitAddress): string => {
  const place = `/${kindOf(address.host)}/${address.host}/tcp/${address.port}${LAYERS[transport]}`
  return `${place}/p2p/${formatNodeId(relay)}/p2p-circuit/p2p/${formatNodeId(peer)}`
}

const CIRCUIT =
  /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(0|[1-9]\d{0,4})(|\/tls|\/ws|\/wss|\/tls\/ws)\/p2p\/([^/]+)\/p2p-circuit\/p2p\/([^/]+)$/
const KINDS: Readonly<Record<string, string>> = {
  ip4: 'ip4',
  ip6: 'ip6',
  dns: 'dns',
  dns4: 'dns',
  dns6: 'dns',
}
const TRANSPORTS: Readonly<Record<string, RelayTransport>> = {
  '': 'tcp',
  '/tls': 'tls',
  '/ws': 'ws',
  '/wss': 'wss',
  '/tls/ws': 'wss',
}

/** @throws WireError WIRE_SYNTAX, WIRE_ADDRESS, WIRE_VALUE */
export const parseCircuitAddress = (text: string): CircuitAddress => {
  const [, kind, place, port, layers, relay, peer] = partsOf(CIRCUIT, text) ?? []
  if (place === undefined || relay === undefined || peer === undefined || Number(port) > 0xffff) {
    throw new WireError('WIRE_SYNTAX', 'not the address of a peer behind a relay')
  }
  const host = parseHost(place)
  if (kindOf(host) !== KINDS[kind ?? '']) {
    throw new WireError('WIRE_ADDRESS', `${kind} and a host of another kind`)
  }
  const transport = TRANSPORTS[layers ?? '']!
  return {
    transport,
    address: { host, port: Number(port) },
    relay: parseNodeId(relay),
    peer: parseNodeId(peer),
  }
}

/** Whether by name, and else of which family. */
const kindOf = (host: string): string => {
  if (host.includes(':')) return 'ip6'
  return parseIp(host) === undefined ? 'dns' : 'ip4'
}

const partsOf = (pattern: RegExp, text: string): RegExpExecArray | undefined =>
  text.length <= MAX_ADDRESS_BYTES ? (pattern.exec(text) ?? undefined) : undefined
