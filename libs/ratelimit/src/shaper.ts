import { Alternation } from './alternation.ts'
import { type Clock, systemClock, type Timer } from './clock.ts'
import type { Credit } from './credit.ts'
import { Line, type Seat } from './line.ts'
import { Ring } from './ring.ts'
import type { Direction } from './shaped-flow.ts'
import { Share } from './share.ts'
import { checkLimits, type Credits, present, revise, type ShareLimits } from './share-credits.ts'
import type { Pump } from './turns.ts'

/** No timer is shorter, but for one that is due at once: what flows is worth more than the exact moment. */
const MIN_TIMER_MS = 2

/**
 * Shares bandwidth fairly: node ▸ user ▸ flow, by deficit round robin over users by weight and then over a user's
 * flows. One timer; credit comes from elapsed monotonic time, never from the timer having fired.
 */
export class Shaper {
  /** @internal */ readonly clock: Clock
  /** @internal */ credits: Credits = {}
  readonly #shares = new Map<string, Share>()
  /** Where users wait for the node's credit: one line for both directions where their sum is limited. */
  #lines: Record<Direction, Line>
  /** Users who wait for credit of their own. */
  readonly #parked = new Ring<Seat>()
  #timer: Timer | undefined = undefined
  #dueAt = Infinity
  #pumping = false
  #closed = false

  /** @throws RangeError for a rate or burst that is negative or not finite */
  constructor(limits: ShareLimits = {}, clock: Clock = systemClock) {
    checkLimits(limits)
    this.clock = clock
    this.credits = revise({}, limits, clock.now())
    this.#lines = this.#newLines()
  }

  /** The share of user `id`, made with `limits` at the first call. It keeps its credit until `remove`. */
  user(id: string, limits: ShareLimits = {}): Share {
    let share = this.#shares.get(id)
    if (share === undefined) this.#shares.set(id, (share = new Share(this, limits)))
    return share
  }

  /** Forgets the user's buckets. Those of their flows that wait get nothing more. */
  remove(id: string): void {
    this.#shares.get(id)?.stand()
    this.#shares.delete(id)
  }

  /**
   * Changes the node's limits, for running flows too. Credit in a bucket that stays is kept.
   * @throws RangeError for a rate or burst that is negative or not finite; nothing is changed then
   */
  set(limits: ShareLimits): void {
    checkLimits(limits)
    this.credits = revise(this.credits, limits, this.clock.now())
    this.#lines = this.#newLines()
    for (const share of this.#shares.values()) {
      share.stand()
      share.sit()
    }
  }

  /** Stops the timer for good. Waiting flows get nothing more. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /** @internal */
  line(direction: Direction): Line {
    return this.#lines[direction]
  }

  /** @internal One of the seat's flows has begun to wait, or what it waits for has changed. */
  enlist(seat: Seat, now: number): void {
    if (seat.ring === undefined || seat.ring === this.#parked) this.#place(seat, now)
    const ms = seat.ring === this.#parked ? seat.wakeAt - now : seat.line.msUntilCredit(now)
    this.arm(now, ms > 0 || seat.expects(now) ? Math.max(MIN_TIMER_MS, ms) : 0)
  }

  /** @internal Makes the timer run in `ms`, or sooner if it is set already. */
  arm(now: number, ms: number): void {
    // One that is up to 1 ms too late is not worth another one, unless there is work now.
    if (this.#closed || this.#pumping || this.#dueAt <= now + (ms && ms + 1)) return
    this.#timer?.cancel()
    this.#dueAt = now + ms
    this.#timer = this.clock.after(ms, this.#pump)
  }

  /** @internal Nobody waits at this seat any more. */
  dismiss(seat: Seat): void {
    seat.ring?.delete(seat)
    const { up, down } = this.#lines
    if (this.#parked.size + up.turns.waiting + down.turns.waiting > 0) return
    this.#timer?.cancel()
    this.#dueAt = Infinity
  }

  #newLines(): Record<Direction, Line> {
    const { up, down, total } = this.credits
    const park = (seat: Seat, now: number): void => this.#park(seat, now)
    const lineOf = (...apart: (Credit | undefined)[]): Line =>
      new Line(present(...apart), present(total), park)
    if (total && !up && !down) {
      const line = lineOf()
      return { up: line, down: line }
    }
    const lines = { up: lineOf(up), down: lineOf(down) }
    if (total) lines.up.directions = lines.down.directions = new Alternation(lines.up, lines.down, [total])
    return lines
  }

  readonly #pump = (): void => {
    const pump: Pump = { now: this.clock.now(), hurry: false }
    this.#dueAt = Infinity
    this.#pumping = true
    try {
      for (const line of [this.#lines.up, this.#lines.down]) line.refill(pump.now)
      this.#unpark(pump.now)
      while (this.#serve(pump));
    } finally {
      this.#pumping = false
      this.arm(pump.now, pump.hurry ? 0 : this.#msUntilWork(pump.now))
    }
  }

  #unpark(now: number): void {
    let seat = this.#parked.head
    for (let left = this.#parked.size; left > 0; left--) {
      const following: Seat | undefined = seat!.next
      if (seat!.wakeAt <= now) this.#place(seat!, now)
      seat = following
    }
  }

  #serve(pump: Pump): boolean {
    const { up, down } = this.#lines
    const served = up.serve(pump)
    return (down !== up && down.serve(pump)) || served
  }

  #place(seat: Seat, now: number): void {
    seat.refill(now)
    if (seat.msUntilCredit() > 0) this.#park(seat, now)
    else seat.line.turns.queue(seat)
  }

  #park(seat: Seat, now: number): void {
    seat.park(now)
    this.#parked.push(seat)
  }

  #msUntilWork(now: number): number {
    let ms = Infinity
    for (let seat = this.#parked.head; seat !== undefined; seat = seat.next)
      ms = Math.min(ms, seat.wakeAt - now)
    for (const line of [this.#lines.up, this.#lines.down]) {
      if (line.turns.waiting > 0) ms = Math.min(ms, line.msUntilCredit(now))
    }
    return Math.max(MIN_TIMER_MS, ms)
  }
}
