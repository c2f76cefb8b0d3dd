import { checkAmount } from './check.ts'
import type { QueueLimits, QueueTicket } from './queue-types.ts'

/** @throws RangeError */
export function checkTicket({ weight = 1, priority = 1, bytes = 0 }: QueueTicket): void {
  checkAmount('weight', weight, { least: Number.MIN_VALUE })
  checkAmount('bytes', bytes)
  if (![0, 1, 2].includes(priority)) throw new RangeError(`priority must be 0, 1 or 2, not ${priority}`)
}

/** @throws RangeError */
export function checkedLimits(limits: Required<QueueLimits>): Required<QueueLimits> {
  for (const [name, value] of Object.entries(limits)) checkAmount(name, value, { most: Infinity })
  if (limits.timeoutMs === 0) throw new RangeError('timeoutMs must be above 0')
  if (limits.shedTargetMs === 0) throw new RangeError('shedTargetMs must be above 0')
  return limits
}
