import type { Clock } from '@sluice/ratelimit'
import type { JobRequest } from './job.ts'
import type { JobLimits } from './job-limits.ts'
import type { AttemptParts } from './upstream/attempt.ts'
import type { ResponseCache } from './upstream/response-cache.ts'
import type { RetryBudget } from './upstream/retry-budget.ts'

/** Its place among the requests that are under way; to dispose of it is to leave. */
export type JobSlot = Disposable

/** A place in the queue. @returns whether it waited still */
export interface JobPlace {
  leave(): boolean
}

/** Who waits for a slot; told once, later than the call that has it wait. */
export interface JobGuest {
  onSlot(slot: JobSlot): void
  onRefused(error: Error): void
}

/** What jobs share. */
export interface JobParts extends AttemptParts {
  readonly limits: JobLimits
  readonly budget: RetryBudget
  readonly clock: Clock
  /** 0 to 1. */
  readonly random: () => number
  readonly cache: ResponseCache | undefined
  /** Whether what one user was told another one may be told now. */
  readonly mayShare: () => boolean
  /** Has `guest` wait for a slot. @returns undefined: it does not @throws ServiceError of the queue */
  join(request: JobRequest, guest: JobGuest): JobPlace | undefined
}
