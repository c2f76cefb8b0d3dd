import { verify } from 'node:crypto'
import { publicKeyOf } from '@sluice/service'
import type { Verify } from '../peer/identity.ts'

/** By node:crypto. */
export const nodeVerify: Verify = (publicKey, bytes, signature) => {
  try {
    return verify(null, bytes, publicKeyOf(publicKey), signature)
  } catch {
    return false
  }
}
