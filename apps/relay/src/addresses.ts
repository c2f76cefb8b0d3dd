import { hostname } from 'node:os'
import { formatRelayUrl, type RelayAddress } from '@sluice/wire/relay'
import type { RelayConfig } from './config.ts'
import type { ListenUrl } from './listen-url.ts'
import { transportsOf } from './transport.ts'

/** Listening there is listening on every interface, and no address to connect to. */
const WILDCARDS = new Set(['0.0.0.0', '::'])

/** How peers reach the relay: as its operator says, or else at its listeners. */
export const reachedAt = (
  { advertise, plain }: Pick<RelayConfig, 'advertise' | 'plain'>,
  listeners: readonly ListenUrl[],
  relay: Uint8Array,
): RelayAddress[] =>
  advertise.length > 0 ? advertise.map((each) => ({ ...each, relay })) : addressesOf(listeners, relay, plain)

const addressesOf = (listeners: readonly ListenUrl[], relay: Uint8Array, plain: boolean): RelayAddress[] =>
  listeners.flatMap((listener) => {
    const { address } = listener
    const reached = WILDCARDS.has(address.host) ? { ...address, host: hostname() } : address
    return transportsOf(listener, plain).map((transport) => ({ transport, address: reached, relay }))
  })

/** The first of each transport. */
export const urlsOf = (addresses: readonly RelayAddress[]): Record<string, string> =>
  Object.fromEntries(addresses.toReversed().map((each) => [each.transport, formatRelayUrl(each)]))
