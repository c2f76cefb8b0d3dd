import { Heap } from './heap.ts'
import type { QueueLimits } from './queue-types.ts'
import type { QueueUser } from './queue-user.ts'
import { Ring } from './ring.ts'
import { HEAPS } from './shares.ts'
import type { Mark, Waiter } from './waiter.ts'

type Places = Pick<QueueLimits, 'maxWaiting' | 'maxWaitingBytes'>

/** Who wants a place. */
export interface Comer {
  /** Absent where nothing is known of them. */
  readonly user: QueueUser | undefined
  readonly weight: number
  readonly bytes: number
  /** Of all users who wait, and this one. */
  readonly weightOfAll: number
}

/** The places of all who wait, and who holds most of them. Every step is O(log users). */
export class QueueRoom {
  readonly #ages = new Ring<Mark>()
  readonly #byCount = new Heap<QueueUser>(HEAPS.count, (a, b) => a.waiting * b.weight > b.waiting * a.weight)
  readonly #byBytes = new Heap<QueueUser>(HEAPS.bytes, (a, b) => a.bytes * b.weight > b.bytes * a.weight)
  bytes = 0

  get size(): number {
    return this.#ages.size
  }

  get oldest(): Waiter | undefined {
    return this.#ages.head?.waiter
  }

  /** Its user has been told already. */
  add(waiter: Waiter): void {
    this.#ages.push(waiter.age)
    this.bytes += waiter.bytes
    this.#settle(waiter.line.user)
  }

  /** Its user has been told already. */
  remove(waiter: Waiter): void {
    this.#ages.delete(waiter.age)
    this.bytes -= waiter.bytes
    this.#settle(waiter.line.user)
  }

  /** Those that there are; more wait where there were more before: they stay, and one who comes takes one's place. */
  places({ maxWaiting, maxWaitingBytes }: Places): Places {
    return {
      maxWaiting: maxWaiting === 0 ? 0 : Math.max(maxWaiting, this.size),
      maxWaitingBytes: maxWaitingBytes === 0 ? 0 : Math.max(maxWaitingBytes, this.bytes),
    }
  }

  /** Whether there is a place for one more, or one is to be had of whoever holds most. */
  admits(comer: Comer, places: Places): boolean {
    return this.#admitsCount(comer, places) && this.#admitsBytes(comer, places)
  }

  /** Who has to go for one more with so many bytes; undefined: nobody, or nobody more. */
  victim(bytes: number, { maxWaiting, maxWaitingBytes }: Places): Waiter | undefined {
    if (bytes > 0 && this.bytes + bytes > maxWaitingBytes) return this.#byBytes.head?.newestLaden
    return this.size + 1 > maxWaiting ? this.#byCount.head?.newest : undefined
  }

  /** Whoever would still hold fewer than who holds most takes a place of theirs. */
  #admitsCount({ user, weight }: Comer, { maxWaiting }: Places): boolean {
    if (this.size < maxWaiting) return true
    const most = this.#byCount.head
    const own = (user?.waiting ?? 0) + 1
    return most !== undefined && maxWaiting > 0 && most.waiting / most.weight > own / weight
  }

  /** Nobody goes for nothing: either who holds most can give all that is missing, or somebody always holds more. */
  #admitsBytes({ user, weight, bytes, weightOfAll }: Comer, { maxWaitingBytes }: Places): boolean {
    const missing = this.bytes + bytes - maxWaitingBytes
    if (missing <= 0 || bytes === 0) return true
    const own = (user?.bytes ?? 0) + bytes
    if (own / weight <= maxWaitingBytes / weightOfAll) return true
    const most = this.#byBytes.head
    return most !== undefined && most !== user && (most.bytes - missing) / most.weight >= own / weight
  }

  #settle(user: QueueUser): void {
    if (user.waiting > 0) this.#byCount.put(user)
    else this.#byCount.delete(user)
    if (user.bytes > 0) this.#byBytes.put(user)
    else this.#byBytes.delete(user)
  }
}
