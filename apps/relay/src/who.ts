import type { Account, Bearer } from '@sluice/service'
import { CAPABILITY } from '@sluice/wire/relay'
import type { PeerKey } from './known-keys.ts'
import type { RelayPeer } from './relay-peer.ts'

/** Who has proven to be at the other end of a conn, and what that means here. */
export interface Who extends RelayPeer {
  readonly account: Account
  /** By what they came in; undefined for a guest. */
  readonly credential: Bearer | undefined
  /** What both sides can do; see `CAPABILITY`. */
  readonly capabilities: number
  /** Has come without HELLO, by a certificate, and knows the three oldest frames alone. */
  readonly isSeed: boolean
}

/** A NodeID as logs show it. */
export const shortId = (id: string): string => id.slice(0, 12)

export const mayAskTtl = ({ capabilities }: Who): boolean => (capabilities & CAPABILITY.TTL_REQUEST) !== 0

export const peerOf = ({ id, nodeId, publicKey }: PeerKey, ip: string): RelayPeer => ({
  id,
  nodeId,
  publicKey,
  ip,
})
