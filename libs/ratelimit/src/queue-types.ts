import type { Clock } from './clock.ts'
import type { QueueRefusal } from './queue-error.ts'

/** The bounds of a `FairQueue`. Infinity: none. */
export interface QueueLimits {
  /** How many may be held at once; 0: none until it is raised. */
  readonly slots: number
  /** How many may wait; 0: whoever finds no free slot is refused at once. */
  readonly maxWaiting: number
  /** The most bytes that all who wait may bring together. */
  readonly maxWaitingBytes: number
  /** How long anyone waits, at most. Above 0. */
  readonly timeoutMs: number
  /** Where somebody has waited for longer than that for as long, whoever would is refused at once. Above 0; Infinity unless given. */
  readonly shedTargetMs?: number
}

export interface FairQueueOptions extends QueueLimits {
  readonly clock?: Clock
  /** @default a QueueError */
  readonly refusal?: QueueRefusal
}

/** Who wants a slot. */
export interface QueueTicket {
  /** Whose share it is to come from. */
  readonly user: string
  /** The user's share beside others who wait, above 0; 1 unless given. The one given last counts. */
  readonly weight?: number | undefined
  /** Which of the user's clients; they share alike. */
  readonly client: string
  /** 0, 1 or 2: of one user's, those of the lower number go first. 1 unless given. */
  readonly priority?: number | undefined
  /** Held while waiting; 0 unless given. */
  readonly bytes?: number | undefined
  /** Aborting it leaves the queue. Once there is a slot it means nothing: giving that back is the holder's. */
  readonly signal?: AbortSignal | undefined
  /** By what `FairQueue.tickets` calls it. */
  readonly label?: string | undefined
}

/** Leave to go on. To dispose it gives it back, once; the time until then is what it cost its user. */
export interface QueueSlot extends Disposable {
  readonly waitedMs: number
}

/** One who wants a slot, and is told once: never from within a call of the queue, so it may do as it likes there. Must not throw. */
export interface QueueGuest {
  onSlot(slot: QueueSlot): void
  onRefused(reason: Error): void
}

/** A place among those who wait. */
export interface QueuePlace {
  /** @returns false: what became of it is decided already, and will be told or has been; a slot has to be given back */
  leave(): boolean
}

/** What a queue looks like, to all or to one user. */
export interface QueueLook {
  readonly waiting: number
  readonly waitingBytes: number
  readonly running: number
  /** Slots that were given back in the last seconds, by anyone. */
  readonly ratePerSecond: number
  /** How long one more of them would wait, as far as can be told. */
  readonly expectedWaitMs: number
  /** How long the oldest of all who wait, or of the user's, has waited; 0: nobody does. */
  readonly oldestMs: number
}

/** One that waits, as its user may see it. */
export interface WaitingTicket {
  readonly label: string | undefined
  readonly client: string
  readonly priority: number
  readonly bytes: number
  readonly waitedMs: number
  /** Among those of its user: 1 is next. At most that, since others may leave. */
  readonly position: number
  readonly expectedWaitMs: number
}
