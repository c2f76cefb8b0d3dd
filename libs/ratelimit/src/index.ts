export { systemClock, type Clock, type Timer } from './clock.ts'
export { FairQueue } from './fair-queue.ts'
export { LeakyBucket, type Leak } from './leaky-bucket.ts'
export { LimiterChain } from './limiter-chain.ts'
export { QueueError, RATELIMIT_ERROR_CODES, type QueueErrorCode, type QueueRefusal } from './queue-error.ts'
export type {
  FairQueueOptions,
  QueueGuest,
  QueueLimits,
  QueueLook,
  QueuePlace,
  QueueSlot,
  QueueTicket,
  WaitingTicket,
} from './queue-types.ts'
export { Quota } from './quota.ts'
export { ManualClock } from './testing/manual-clock.ts'
export { defaultBurst, TokenBucket, type Limit } from './token-bucket.ts'
export type { Direction, OnGrant, ShapedFlow } from './shaped-flow.ts'
export { Shaper } from './shaper.ts'
export type { Share } from './share.ts'
export type { ShareLimits } from './share-credits.ts'
export { ShareStage, type Stage } from './stage.ts'
