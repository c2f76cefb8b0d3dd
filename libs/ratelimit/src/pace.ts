/** Starts are spread at so much more than the rate at which slots are given back. */
const MARGIN = 1.15
/** Shorter intervals are not worth a timer. */
const LEAST_MS = 0.5
/** The part of all slots' time that spreading may cost in the long run. */
const PRICE = 0.015
/** So many starts may be made up for: timers are late. */
const SAVED = 2

/**
 * Spreads starts, so that slots do not all come free together: whoever comes in between would wait for a whole
 * service time. What that leaves idle is paid out of a budget: a small part of all slots' time, saved for one mean
 * time at most. Where times vary much, ends spread by themselves, and the budget keeps the pace from costing more.
 */
export class Pace {
  #slots: number
  #meanMs = 0
  #nextAt = -Infinity
  /** Slot-milliseconds. */
  #budget = Infinity
  /** Slots that the pace has kept idle since `#since`. */
  #idle = 0
  #since = -Infinity

  constructor(slots: number) {
    this.#slots = slots
  }

  /** When the next may start. */
  get nextAt(): number {
    return this.#nextAt
  }

  /** Ms from one start to the next; 0: no pace. */
  get intervalMs(): number {
    const intervalMs = this.#meanMs / (this.#slots * MARGIN)
    return intervalMs < LEAST_MS ? 0 : intervalMs
  }

  /** Another number of slots, or another mean time that they are held for. */
  set(slots: number, meanMs: number): void {
    this.#slots = slots
    this.#meanMs = meanMs
  }

  /** Whether one may start now. */
  allows(now: number): boolean {
    return now >= this.#nextAt || this.#budget <= 0 || this.intervalMs === 0
  }

  /** One has started. */
  started(now: number): void {
    const { intervalMs } = this
    this.#nextAt = Math.max(this.#nextAt, now - SAVED * intervalMs) + intervalMs
  }

  /** From now on so many slots are idle for the sake of the pace. */
  hold(idle: number, now: number): void {
    const passedMs = this.#since === -Infinity ? 0 : now - this.#since
    const saved = this.#budget + passedMs * (PRICE * this.#slots - this.#idle)
    this.#budget = Math.min(saved, this.#meanMs === 0 ? Infinity : this.#slots * this.#meanMs)
    this.#idle = idle
    this.#since = now
  }
}
