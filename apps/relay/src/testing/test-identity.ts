import { freshIdentity } from '../identity.ts'
import type { PeerIdentity } from '../peer/identity.ts'

/** A new one, whose key compares as frames have it. */
export const testIdentity = (): PeerIdentity => {
  const identity = freshIdentity()
  return { publicKey: new Uint8Array(identity.publicKey), sign: (bytes) => identity.sign(bytes) }
}
