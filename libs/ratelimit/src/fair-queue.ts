import { Alarm } from './alarm.ts'
import { systemClock, type Clock } from './clock.ts'
import { Forecast } from './forecast.ts'
import { Overload } from './overload.ts'
import { Pace } from './pace.ts'
import { plainRefusal, type QueueErrorCode, type QueueRefusal } from './queue-error.ts'
import { HeldSlot } from './held-slot.ts'
import { QueueNews } from './queue-news.ts'
import { promisedSlot } from './queue-promise.ts'
import { type Comer, QueueRoom } from './queue-room.ts'
import { checkedLimits, checkTicket } from './queue-checks.ts'
import type {
  FairQueueOptions,
  QueueGuest,
  QueueLimits,
  QueueLook,
  QueuePlace,
  QueueSlot,
  QueueTicket,
  WaitingTicket,
} from './queue-types.ts'
import { QueueUser, type UserLine } from './queue-user.ts'
import { Shares } from './shares.ts'
import { Throughput } from './throughput.ts'
import { Waiter, type WaitedFor } from './waiter.ts'

/**
 * Gives out a bounded number of slots, and has a bounded number wait for them.
 *
 * Users share the slots by weight and by the time that they hold them, and a user's clients share alike. Nobody
 * holds more than half of them while others wait who could use them. Deadlines are looked at by a timer and again
 * whenever a slot comes free. There is one timer, and none when nobody waits.
 */
export class FairQueue implements WaitedFor {
  readonly #clock: Clock
  readonly #refusal: QueueRefusal
  readonly #room = new QueueRoom()
  readonly #news = new QueueNews()
  readonly #throughput = new Throughput()
  readonly #users: Shares<QueueUser>
  readonly #pace: Pace
  readonly #overload: Overload
  readonly #forecast: Forecast
  readonly #alarm: Alarm
  #limits: Required<QueueLimits>
  #running = 0
  #isClosed = false

  /** @throws RangeError for a limit that is negative or NaN, and for a timeout or target of 0 */
  constructor({ clock = systemClock, refusal = plainRefusal, ...limits }: FairQueueOptions) {
    this.#clock = clock
    this.#refusal = refusal
    this.#alarm = new Alarm(clock, () => this.#fill())
    this.#limits = checkedLimits({ shedTargetMs: Infinity, ...limits })
    this.#users = new Shares((key) => new QueueUser(key, this.#throughput.meanMs), this.#half)
    this.#pace = new Pace(this.#limits.slots)
    this.#forecast = new Forecast(this.#room, this.#users, this.#throughput, this.#limits.slots)
    this.#overload = new Overload(this.#limits.shedTargetMs)
  }

  /** Slots that are held. */
  get running(): number {
    return this.#running
  }

  /** How many wait. */
  get waiting(): number {
    return this.#room.size
  }

  /** What all who wait bring together. */
  get waitingBytes(): number {
    return this.#room.bytes
  }

  /**
   * A slot, at once or when its turn comes. Rejects with a QueueError QUEUE_FULL, QUEUE_TIMEOUT, QUEUE_SHED or
   * QUEUE_CLOSED; with the signal's reason when it aborts first; with a RangeError for a ticket that makes no sense.
   */
  enter(ticket: QueueTicket): Promise<QueueSlot> {
    return promisedSlot(ticket.signal, (guest) => this.join(ticket, guest))
  }

  /**
   * As `enter` for one of many thousands, for whom a promise and a signal are much: `guest` is told what a promise would be.
   * @returns what it can leave by; undefined: it does not wait
   */
  join(ticket: QueueTicket, guest: QueueGuest): QueuePlace | undefined {
    try {
      return this.#join(ticket, guest)
    } catch (error) {
      this.#news.refused(guest, error as Error)
      return undefined
    }
  }

  /** @param key - a user; all of them unless given */
  look(key?: string): QueueLook {
    const now = this.#clock.now()
    const isFree = this.#room.size === 0 && this.#running < this.#limits.slots
    if (key === undefined) return this.#forecast.lookAtAll(this.#running, isFree, now)
    return this.#forecast.lookAt(this.#users.find(key), isFree, now)
  }

  /** Those of a user that wait, the oldest `most` of them. */
  tickets(key: string, most = 100): WaitingTicket[] {
    const now = this.#clock.now()
    const waiters = this.#users.find(key)?.waiters(most) ?? []
    return Array.from(waiters, (waiter) => this.#forecast.describe(waiter, now))
  }

  /**
   * Other bounds from now on. Nobody is sent away for fewer places: those who hold a slot keep it, those who wait go
   * on waiting. A new timeout counts from when they came, and holds for them too.
   * @throws RangeError as the constructor
   */
  set(limits: Partial<QueueLimits>): void {
    this.#limits = checkedLimits({ ...this.#limits, ...limits })
    this.#users.cap = this.#half
    this.#forecast.slots = this.#limits.slots
    this.#pace.set(this.#limits.slots, this.#throughput.meanMs)
    this.#overload.targetMs = this.#limits.shedTargetMs
    this.#alarm.stop()
    this.#fill()
  }

  /** Refuses all who wait and all who come. Those who hold a slot are not touched. */
  close(): void {
    this.#isClosed = true
    for (let waiter = this.#room.oldest; waiter; waiter = this.#room.oldest) {
      this.#refuse(waiter, this.#error('QUEUE_CLOSED', undefined, 'the queue is closed'))
    }
    this.#alarm.stop()
  }

  get #half(): number {
    return Math.max(1, Math.floor(this.#limits.slots / 2))
  }

  #join(ticket: QueueTicket, guest: QueueGuest): QueuePlace | undefined {
    checkTicket(ticket)
    if (this.#isClosed) throw this.#error('QUEUE_CLOSED', undefined, 'the queue is closed')
    const now = this.#clock.now()
    if (this.#startsAtOnce(this.#users.find(ticket.user), now)) {
      this.#news.slot(guest, this.#startComer(ticket, now))
      return undefined
    }
    this.#dropExpired(now)
    this.#shed(ticket, now)
    this.#makeRoom(ticket)
    return this.#wait(ticket, now, guest)
  }

  /** Where a slot is free and others wait, they do so for the pace alone, which is not for one of a user who has none. */
  #startsAtOnce(user: QueueUser | undefined, now: number): boolean {
    if (this.#running >= this.#limits.slots) return false
    if (this.#room.size === 0) return !this.#isPaced(user, now)
    const isNew = user === undefined || (user.running === 0 && user.waiting === 0)
    return isNew && this.#users.size <= this.#users.cap
  }

  #startComer({ user: key, client, priority = 1, weight = 1 }: QueueTicket, now: number): QueueSlot {
    const user = this.#users.of(key)
    if (user.waiting === 0) user.weight = weight
    const line = user.line(client, priority)
    const costMs = line.meanMs
    user.start(line, costMs)
    this.#users.start(user, costMs, false)
    return this.#slot(line, costMs, now, now)
  }

  #startWaiter(waiter: Waiter, now: number): QueueSlot {
    const { line } = waiter
    const costMs = line.meanMs
    line.user.take(waiter, costMs)
    this.#users.start(line.user, costMs, true)
    this.#room.remove(waiter)
    return this.#slot(line, costMs, waiter.since, now)
  }

  #slot(line: UserLine, costMs: number, since: number, now: number): QueueSlot {
    if (this.#running++ === 0) this.#throughput.began(now)
    this.#pace.started(now)
    return new HeldSlot(line, costMs, { since, now }, this.#onLeft)
  }

  readonly #onLeft = ({ line, costMs, startedAt }: HeldSlot): void => {
    const now = this.#clock.now()
    const heldMs = Math.max(0, now - startedAt)
    this.#running--
    line.user.end(line, costMs, heldMs)
    this.#users.end(line.user, costMs, heldMs)
    this.#throughput.ended(now, heldMs)
    this.#pace.set(this.#limits.slots, this.#throughput.meanMs)
    this.#fill()
    if (this.#running === 0 && this.#room.size === 0) this.#users.forget()
  }

  #shed({ user: key, client, priority = 1, weight = 1 }: QueueTicket, now: number): void {
    if (!this.#isOverloaded(now)) return
    const user = this.#users.find(key)
    const ahead = user?.aheadOf(client, priority) ?? 1
    const expectedMs = this.#forecast.ownMs(user, ahead, weight, now)
    if (expectedMs > this.#limits.shedTargetMs)
      throw this.#error('QUEUE_SHED', user, 'it would wait too long')
  }

  #makeRoom({ user: key, weight = 1, bytes = 0 }: QueueTicket): void {
    const user = this.#users.find(key)
    const comer: Comer = { user, weight, bytes, weightOfAll: this.#forecast.weightWith(user, weight) }
    const places = this.#room.places(this.#limits)
    if (!this.#room.admits(comer, places)) throw this.#error('QUEUE_FULL', user, 'there is no place')
    const next = (): Waiter | undefined => this.#room.victim(bytes, places)
    for (let victim = next(); victim; victim = next()) {
      this.#refuse(victim, this.#error('QUEUE_FULL', victim.line.user, 'somebody with fewer took the place'))
    }
  }

  #wait(ticket: QueueTicket, now: number, guest: QueueGuest): QueuePlace {
    const { user: key, weight = 1, client, priority = 1 } = ticket
    const user = this.#users.of(key)
    const waiter = new Waiter(user.line(client, priority), now, ticket, guest, this)
    user.push(waiter)
    this.#users.wait(user, weight)
    this.#room.add(waiter)
    this.#fill()
    return waiter
  }

  /** @internal */
  callAway(waiter: Waiter): void {
    this.#remove(waiter)
    this.#fill()
  }

  #refuse(waiter: Waiter, reason: Error): void {
    this.#remove(waiter)
    this.#news.refused(waiter.guest, reason)
  }

  #remove(waiter: Waiter): void {
    const { user } = waiter.line
    user.remove(waiter)
    this.#users.quit(user)
    this.#room.remove(waiter)
  }

  #fill(): void {
    const now = this.#clock.now()
    this.#dropExpired(now)
    this.#isOverloaded(now)
    let isPaced = false
    while (this.#running < this.#limits.slots && !isPaced) {
      const user = this.#users.head
      if (user === undefined) break
      isPaced = this.#isPaced(user, now)
      if (!isPaced) this.#serve(user.foremost!, now)
    }
    const idle = isPaced ? Math.min(this.#limits.slots - this.#running, this.#room.size) : 0
    this.#pace.hold(idle, now)
    this.#setTimer(isPaced ? this.#pace.nextAt : Infinity, now)
  }

  #serve(waiter: Waiter, now: number): void {
    if (this.#overload.isTooLate(now - waiter.since)) {
      this.#refuse(waiter, this.#error('QUEUE_SHED', waiter.line.user, 'it has waited too long'))
    } else this.#news.slot(waiter.guest, this.#startWaiter(waiter, now))
  }

  /** Beyond half of the slots starts are spread, but for one of a user who has none where few users wait. */
  #isPaced(user: QueueUser | undefined, now: number): boolean {
    const half = this.#users.cap
    if (this.#running < half || this.#limits.maxWaiting === 0 || this.#pace.allows(now)) return false
    return this.#users.size > half || (user !== undefined && user.running > 0)
  }

  #isOverloaded(now: number): boolean {
    const { oldest } = this.#room
    return this.#overload.isStanding(now, oldest === undefined ? 0 : now - oldest.since)
  }

  #dropExpired(now: number, { timeoutMs } = this.#limits): void {
    for (let { oldest } = this.#room; oldest && now - oldest.since >= timeoutMs; { oldest } = this.#room) {
      this.#refuse(oldest, this.#error('QUEUE_TIMEOUT', oldest.line.user, `no slot in ${timeoutMs} ms`))
    }
  }

  #error(code: QueueErrorCode, user: QueueUser | undefined, message: string): Error {
    return this.#refusal(code, message, this.#forecast.retryMs(user, this.#clock.now()))
  }

  /** At the end of the oldest's patience, or when the pace lets the next one start. */
  #setTimer(paceAt: number, now: number): void {
    const { oldest } = this.#room
    if (oldest === undefined) return this.#alarm.stop()
    const at = Math.min(paceAt, oldest.since + this.#limits.timeoutMs)
    // Timers round: one that came a hair early must not be set for no time at all, again and again.
    this.#alarm.set(at, now, at === paceAt ? 0.05 : 1)
  }
}
