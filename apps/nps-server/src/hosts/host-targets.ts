import { ServiceError } from '@sluice/service'
import type { LiveHost } from '../registry.ts'

/** Whose turn it is among the targets of a host, and how many requests are at each. */
class Turns {
  next = 0
  readonly busy = new Map<string, number>()
}

const turns = new WeakMap<LiveHost, Turns>()

const turnsOf = (live: LiveHost): Turns => {
  const known = turns.get(live)
  if (known !== undefined) return known
  const made = new Turns()
  turns.set(live, made)
  return made
}

/** The target of the next request, which is at it until `leaveTarget`. @throws ServiceError DIAL_FAILED where there is none */
export const enterTarget = (live: LiveHost): string => {
  const { targets, balance } = live.record
  const { next, busy } = turnsOf(live)
  const from = next % targets.length
  const order = [...targets.slice(from), ...targets.slice(0, from)]
  const [first] = order
  if (first === undefined) throw new ServiceError('DIAL_FAILED', 'the host has no target')
  const at = (target: string): number => busy.get(target) ?? 0
  const target =
    balance === 'roundRobin' ? first : order.reduce((best, each) => (at(each) < at(best) ? each : best))
  turnsOf(live).next = from + 1
  busy.set(target, at(target) + 1)
  return target
}

export const leaveTarget = (live: LiveHost, target: string): void => {
  const { busy } = turnsOf(live)
  const left = (busy.get(target) ?? 0) - 1
  if (left > 0) busy.set(target, left)
  else busy.delete(target)
}
