import type { Address } from '../address.ts'
import type { Tlv } from './tlv.ts'

export type ProxyTransport = 'STREAM' | 'DGRAM'

/** Who talks to whom. UNIX addresses are paths of at most 108 bytes, without the NULs behind them. */
export type ProxyEndpoints =
  | {
      readonly family: 'INET' | 'INET6'
      readonly transport: ProxyTransport
      readonly source: Address
      readonly destination: Address
    }
  | {
      readonly family: 'UNIX'
      readonly transport: ProxyTransport
      readonly source: Uint8Array
      readonly destination: Uint8Array
    }

/**
 * What a balancer says about a conn before its first byte.
 *
 * - `command` LOCAL (version 2 only): the balancer's own conn, a health check.
 * - `endpoints` undefined: use the conn's own addresses (LOCAL, UNKNOWN, UNSPEC).
 * - `tlvs` is empty in version 1 and where `endpoints` is undefined, since it cannot be told where they begin.
 */
export interface ProxyHeader {
  readonly version: 1 | 2
  readonly command: 'LOCAL' | 'PROXY'
  readonly endpoints: ProxyEndpoints | undefined
  readonly tlvs: readonly Tlv[]
}
