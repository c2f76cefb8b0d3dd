// What a grant costs that need not wait. Prints nanoseconds of CPU time; the one argument names the limits that apply.
import { Shaper } from '@sluice/ratelimit'

const CHUNK_BYTES = 16_384
const BATCH = 5_000_000
const BATCHES = 10
/** More than a loop can take, so that nothing ever waits; credit is still refilled by the clock. */
const LIMIT = { rate: 1e14, burst: 1e13 }

const nodeLimits = process.argv[2] === 'user' ? {} : { down: LIMIT }
const shaper = new Shaper(nodeLimits)
const flow = shaper.user('bench', { down: LIMIT }).flow('down', () => {
  throw new Error('a grant had to wait')
})

function nanosecondsPerGrant(): number {
  let granted = 0
  const begin = process.cpuUsage()
  for (let i = 0; i < BATCH; i++) granted += flow.take(CHUNK_BYTES)
  const { user, system } = process.cpuUsage(begin)
  if (granted !== BATCH * CHUNK_BYTES) throw new Error('a grant was cut short')
  return ((user + system) * 1_000) / BATCH
}

nanosecondsPerGrant()
const batches = Array.from({ length: BATCHES }, nanosecondsPerGrant).toSorted((a, b) => a - b)
console.log(batches[BATCHES / 2])
shaper.close()
