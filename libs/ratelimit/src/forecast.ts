import type { QueueRoom } from './queue-room.ts'
import type { QueueLook, WaitingTicket } from './queue-types.ts'
import type { QueueUser } from './queue-user.ts'
import type { Shares } from './shares.ts'
import type { Throughput } from './throughput.ts'
import type { Waiter } from './waiter.ts'

const LEAST_RETRY_MS = 1000
const MOST_RETRY_MS = 60_000

/** What those who wait, or ask, may expect by the present rate. */
export class Forecast {
  readonly #room: QueueRoom
  readonly #users: Shares<QueueUser>
  readonly #throughput: Throughput
  /** Of the queue. */
  slots: number

  constructor(room: QueueRoom, users: Shares<QueueUser>, throughput: Throughput, slots: number) {
    this.#room = room
    this.#users = users
    this.#throughput = throughput
    this.slots = slots
  }

  /** Until all who wait, and one more, have a slot; 0: nobody knows. */
  allMs(now: number): number {
    const capacity = this.#throughput.capacity(now, this.slots)
    return capacity === 0 ? 0 : ((this.#room.size + 1) * 1000) / capacity
  }

  /**
   * Until one has a slot before whom its user has `ahead - 1`: by its user's share of the rate, and no longer than
   * if all who wait went first.
   */
  ownMs(user: QueueUser | undefined, ahead: number, weight: number, now: number): number {
    const { meanMs } = this.#throughput
    const capacity = this.#throughput.capacity(now, this.slots)
    if (capacity === 0) return 0
    const cost = user === undefined || user.meanMs === 0 ? 1 : user.meanMs / meanMs
    const others = this.#users.size - (isWaiting(user) ? 1 : 0)
    // Half is the most that anyone has beside others.
    const part = Math.max(this.weightWith(user, weight) / weight, others > 0 ? 2 : 1)
    return Math.min(this.allMs(now), (ahead * cost * part * 1000) / capacity)
  }

  /** Weights of all who wait, and of one more for `user`. */
  weightWith(user: QueueUser | undefined, weight: number): number {
    return this.#users.weight + weight - (isWaiting(user) ? user!.weight : 0)
  }

  retryMs(user: QueueUser | undefined, now: number): number {
    const { waiting = 0, weight = 1 } = user ?? {}
    const waitMs = this.ownMs(user, waiting + 1, weight, now)
    return Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, waitMs))
  }

  /** @param isFree - a slot is free and nobody waits for it */
  lookAtAll(running: number, isFree: boolean, now: number): QueueLook {
    const { oldest, size: waiting, bytes: waitingBytes } = this.#room
    return {
      waiting,
      waitingBytes,
      running,
      ratePerSecond: this.#throughput.perSecond(now),
      expectedWaitMs: isFree ? 0 : this.allMs(now),
      oldestMs: oldest === undefined ? 0 : now - oldest.since,
    }
  }

  lookAt(user: QueueUser | undefined, isFree: boolean, now: number): QueueLook {
    const { waiting = 0, bytes: waitingBytes = 0, running = 0, weight = 1, oldest } = user ?? {}
    return {
      waiting,
      waitingBytes,
      running,
      ratePerSecond: this.#throughput.perSecond(now),
      expectedWaitMs: isFree ? 0 : this.ownMs(user, waiting + 1, weight, now),
      oldestMs: oldest === undefined ? 0 : now - oldest.since,
    }
  }

  describe(waiter: Waiter, now: number): WaitingTicket {
    const { label, bytes, since, line, number } = waiter
    const { user, key: client, priority, waiters } = line
    const place = Math.min(line.waiting, number - (waiters.head?.number ?? number) + 1)
    const position = user.aheadOf(client, priority, place)
    const expectedWaitMs = this.ownMs(user, position, user.weight, now)
    return { label, client, priority, bytes, waitedMs: now - since, position, expectedWaitMs }
  }
}

const isWaiting = (user: QueueUser | undefined): boolean => user !== undefined && user.waiting > 0
