import type { FairQueue, QueueLimits, WaitingTicket } from '@sluice/ratelimit'

/** What `GET /v1/queue` tells. Times in ms. */
export interface QueueReport {
  readonly slots: number
  readonly running: number
  readonly waiting: number
  readonly maxWaiting: number
  readonly waitingBytes: number
  readonly maxWaitingBytes: number
  /** Requests that ended in the last seconds, per second. */
  readonly ratePerSecond: number
  /** For one more of this caller; where nobody asks, for anyone's. */
  readonly expectedWaitMs: number
  /** How long the oldest has waited. */
  readonly oldestMs: number
  /** What is the caller's own. */
  readonly own?: OwnRequests
}

export interface OwnRequests {
  readonly running: number
  readonly waiting: number
  readonly waitingBytes: number
  /** Those that wait, the oldest hundred of them. */
  readonly requests: readonly WaitingRequest[]
}

export interface WaitingRequest {
  readonly id: string | undefined
  readonly priority: number
  readonly bytes: number
  readonly waitedMs: number
  /** Among those of its user, 1 is next; at most that, since others may leave. */
  readonly position: number
  readonly expectedWaitMs: number
}

/** @param user - by their key in the queue */
export function reportOf(queue: FairQueue, limits: QueueLimits, user?: string): QueueReport {
  const { slots, maxWaiting, maxWaitingBytes } = limits
  const all = { slots, maxWaiting, maxWaitingBytes, ...queue.look() }
  if (user === undefined) return all
  const { running, waiting, waitingBytes, expectedWaitMs } = queue.look(user)
  const requests = queue.tickets(user).map(requestOf)
  return { ...all, expectedWaitMs, own: { running, waiting, waitingBytes, requests } }
}

const requestOf = (ticket: WaitingTicket): WaitingRequest => {
  const { label: id, priority, bytes, waitedMs, position, expectedWaitMs } = ticket
  return { id, priority, bytes, waitedMs, position, expectedWaitMs }
}
