import { randomFillSync } from 'node:crypto'

const POOL = new Int32Array(1024)
let used = POOL.length

/** A mask that nobody can foresee (RFC 6455 §10.3). */
export const nextMask = (): number => {
  if (used === POOL.length) {
    randomFillSync(POOL)
    used = 0
  }
  return POOL[used++]!
}
