import { freshIdentityKey, type IdentityKey, openIdentityKey } from '@sluice/service'
import { formatNodeId, nodeIdOf } from '@sluice/wire/relay'

/** Who a relay or a peer is: an Ed25519 key, and what follows from it. */
export interface Identity extends IdentityKey {
  /** 32 octets. */
  readonly nodeId: Uint8Array
  /** The same in Base58. */
  readonly id: string
}

/** The identity in `file`, which is made where there is none. @throws ConfigError as `openIdentityKey` */
export const openIdentity = (file: string): Identity => identityOf(openIdentityKey(file))

/** An identity that nothing keeps. */
export const freshIdentity = (): Identity => identityOf(freshIdentityKey())

const identityOf = (key: IdentityKey): Identity => {
  const nodeId = nodeIdOf(key.publicKey)
  return { ...key, nodeId, id: formatNodeId(nodeId) }
}
