import { verify } from 'node:crypto'
import { publicKeyOf } from '../ed25519.ts'
import type { Verify } from '../peer/identity.ts'

/** By node:crypto. */
export const nodeVerify: Verify = (publicKey, bytes, signature) => {
  try {
    return verify(null, bytes, publicKeyOf(publicKey), signature)
  } catch {
    return false
  }
}
