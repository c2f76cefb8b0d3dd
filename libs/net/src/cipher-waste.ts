import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Well below the 64 MiB at which V8 marks the whole heap. */
const MOST_BYTES = 8 * 1024 * 1024

type CollectYoung = (options: { type: 'minor' }) => void

/** What `node --expose-gc` offers, without the flag. */
const collectYoung = (): CollectYoung => {
  setFlagsFromString('--expose-gc')
  // What is thrown away counts until it is swept; by a thread of its own that is one collection too late.
  setFlagsFromString('--no-concurrent-array-buffer-sweeping')
  return runInNewContext('gc') as CollectYoung
}

let collect: CollectYoung | undefined = undefined
let bytes = 0

/**
 * Each call of a cipher makes a buffer that is waste a moment later. To V8 it is a small object with much memory outside its
 * heap: 64 MiB of that, and it marks all there is to find some to free, sixteen times for a GiB and at the price of all the
 * rest. To look through the young objects alone, and more often, costs a tenth of it.
 * @param more that a cipher has put out
 */
export const wasted = (more: number): void => {
  bytes += more
  if (bytes < MOST_BYTES) return
  bytes = 0
  collect ??= collectYoung()
  collect({ type: 'minor' })
}
