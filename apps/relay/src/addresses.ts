import { hostname } from 'node:os'
import type { Address } from '@sluice/wire'
import { formatRelayUrl, type RelayAddress, type RelayTransport } from '@sluice/wire/relay'
import type { RelayConfig } from './config.ts'
import type { DoorName, ListenUrl } from './listen-url.ts'
import { isLoopback } from './loopback.ts'

/** Listening there is listening on every interface, and no address to connect to. */
const WILDCARDS = new Set(['0.0.0.0', '::'])

const SECURE: readonly RelayTransport[] = ['tls', 'wss']
const ALL: readonly RelayTransport[] = ['tls', 'wss', 'tcp', 'ws']

/** By what peers may come at a listener: one that takes all is best met with TLS beyond this machine. */
const transportsOf = (door: DoorName, address: Address): readonly RelayTransport[] => {
  if (door !== 'any') return [door]
  return isLoopback(address) ? ALL : SECURE
}

/** How peers reach the relay: as its operator says, or else at its listeners. */
export const reachedAt = (
  { advertise }: Pick<RelayConfig, 'advertise'>,
  listeners: readonly ListenUrl[],
  relay: Uint8Array,
): RelayAddress[] =>
  advertise.length > 0 ? advertise.map((each) => ({ ...each, relay })) : addressesOf(listeners, relay)

const addressesOf = (listeners: readonly ListenUrl[], relay: Uint8Array): RelayAddress[] =>
  listeners.flatMap(({ door, address }) => {
    const reached = WILDCARDS.has(address.host) ? { ...address, host: hostname() } : address
    return transportsOf(door, address).map((transport) => ({ transport, address: reached, relay }))
  })

/** The first of each transport. */
export const urlsOf = (addresses: readonly RelayAddress[]): Record<string, string> =>
  Object.fromEntries(addresses.toReversed().map((each) => [each.transport, formatRelayUrl(each)]))
