import { type Clock, systemClock, type Timer } from './clock.ts'
import type { Credit } from './credit.ts'
import { Ring } from './ring.ts'
import { type Direction, quantumOf } from './shaped-flow.ts'
import { type Credits, drawnOn, revise, Share, type ShareLimits } from './share.ts'

const MIN_TIMER_MS = 2

/**
 * Shares bandwidth fairly: node ▸ user ▸ flow, by deficit round robin (Shreedhar & Varghese 1995) over users by
 * weight and then over a user's flows, those that have been quiet first (as in RFC 8290). One timer; credit comes
 * from elapsed monotonic time, never from the timer having fired.
 */
export class Shaper {
  /** @internal */ readonly clock: Clock
  /** @internal */ nodeLimited = false
  readonly #shares = new Map<string, Share>()
  /** Users with credit of their own: in their turn, or waiting for the node's. */
  #ready = new Ring<Share>()
  /** Users waiting for credit of their own. */
  readonly #parked = new Ring<Share>()
  #credits: Credits = {}
  #timer: Timer | undefined = undefined
  #dueAt = Infinity
  #pumps = 0
  #pumping = false

  constructor(limits: ShareLimits = {}, clock: Clock = systemClock) {
    this.clock = clock
    this.set(limits)
  }

  /** The share of user `id`, made with `limits` at the first call. It keeps its credit until `remove`. */
  user(id: string, limits: ShareLimits = {}): Share {
    let share = this.#shares.get(id)
    if (share === undefined) this.#shares.set(id, (share = new Share(this, limits)))
    return share
  }

  /** Forgets the user's buckets. Their flows must be closed. */
  remove(id: string): void {
    const share = this.#shares.get(id)
    share?.ring?.delete(share)
    this.#shares.delete(id)
  }

  /** Changes the node's limits, for running flows too. */
  set(limits: ShareLimits): void {
    this.#credits = revise(this.#credits, limits, this.clock.now())
    this.nodeLimited = this.#nodeCredits().length > 0
    for (const share of this.#shares.values()) share.connect()
  }

  /** Stops the timer. Waiting flows get nothing more. */
  close(): void {
    this.#timer?.cancel()
  }

  /** @internal Whether users queue for the node's credit, so that newcomers must queue behind them. */
  contended(): boolean {
    return this.nodeLimited && this.#ready.size > 0
  }

  /** @internal */
  credits(direction: Direction): Credit[] {
    return drawnOn(this.#credits, direction)
  }

  /** @internal One user's turn at the node's limit. */
  quantum(weight: number): number {
    const rate = Math.min(...this.#nodeCredits().map((credit) => credit.rate))
    return Math.max(1, Math.floor(weight * quantumOf(rate, this.#ready.size)))
  }

  /** @internal One of the user's flows has begun to wait, or what it waits for has changed. */
  enlist(share: Share): void {
    if (share.ring === this.#ready) return
    const now = this.clock.now()
    const ms = share.msUntilCredit()
    share.wakeAt = now + ms
    if (ms > 0) this.#parked.push(share)
    else this.#ready.push(share)
    this.#arm(now, Math.max(MIN_TIMER_MS, ms))
  }

  #nodeCredits(): Credit[] {
    return Object.values(this.#credits)
  }

  #arm(now: number, ms: number): void {
    if (this.#pumping || this.#dueAt <= now + ms + 1) return
    this.#timer?.cancel()
    this.#dueAt = now + ms
    this.#timer = this.clock.after(ms, this.#pump)
  }

  readonly #pump = (): void => {
    const now = this.clock.now()
    this.#dueAt = Infinity
    this.#pumping = true
    for (const credit of this.#nodeCredits()) {
      if (this.#ready.size > 0) credit.markBusy(now)
      credit.refill(now)
    }
    this.#unpark(now)
    this.#serve(now)
    this.#pumping = false
    const ms = this.#msUntilWork(now)
    if (ms < Infinity) this.#arm(now, ms)
  }

  #unpark(now: number): void {
    for (let share = this.#parked.head; share !== undefined; ) {
      const following: Share | undefined = share.next
      if (share.wakeAt <= now) this.#ready.push(share)
      share = following
    }
  }

  /** One turn for each ready user. Those whose turn the node's credit cut short stay first and go on with it. */
  #serve(now: number): void {
    const short = new Ring<Share>()
    const pump = ++this.#pumps
    for (let left = this.#ready.size; left > 0; left--) {
      const share = this.#ready.head!
      share.turn(now, pump)
      if (share.waiting === 0) share.ring?.delete(share)
      else if (share.msUntilCredit() > 0) this.#park(share, now)
      else if (share.deficit >= 1 && this.nodeLimited) short.push(share)
      else this.#ready.push(share)
    }
    while (this.#ready.head !== undefined) short.push(this.#ready.head)
    this.#ready = short
  }

  #park(share: Share, now: number): void {
    share.wakeAt = now + share.msUntilCredit()
    this.#parked.push(share)
  }

  /** 0: there is credit for another round now. */
  #msUntilWork(now: number): number {
    let ms = Infinity
    for (let share = this.#parked.head; share !== undefined; share = share.next) {
      ms = Math.min(ms, share.wakeAt - now)
    }
    if (this.#ready.size > 0) for (const credit of this.#nodeCredits()) ms = Math.min(ms, credit.msUntil(credit.slice) || ms)
    for (let share = this.#ready.head; share !== undefined; share = share.next) if (share.ready) return 0
    return Math.max(MIN_TIMER_MS, ms)
  }
}
