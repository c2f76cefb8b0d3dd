import { randomFillSync } from 'node:crypto'

/** To ask for random bytes costs more than to get them. */
const POOL_BYTES = 4096

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/** Random bytes that go out in the clear, and to nobody a second time. @param bytes at most 4 KiB */
export const freshSalt = (bytes: number): Uint8Array => {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return new Uint8Array(pool.subarray(used - bytes, used))
}
