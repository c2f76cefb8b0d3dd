import { checkAmount } from './check.ts'
import { Recent, RECENT_MS } from './recent.ts'
import type { Limit } from './token-bucket.ts'

/** The most that a busy bucket has lying ready, in time of its rate: as much as timers, or other waits, may well take. */
const READY_MS = 100
/** How fast what was held back follows, on top of the rate. */
const CATCH_UP = 0.25
/** The most that a busy bucket releases in any tenth of a second, as a multiple of its rate. */
const PEAK = 1.4
/** How long after the last wait a bucket still counts as busy. */
const BUSY_MS = 250
const SLICE_MS = 10
/** Where that is little a flow is woken for more, as each time costs a write: for up to so many bytes, and this long. */
const SMALL_SLICE = 4096
const SMALL_SLICE_MS = 40
/** … and where it comes too late for that: waits of over 46 ms would lose rate to `PEAK`. */
const LATE_SLICE_MS = 20
/** A smaller bucket would run over, and so lose rate, whenever a timer is a little late. */
const LEAST_BURST_MS = 50

/**
 * A token bucket that is paced while somebody waits for it. An idle one fills to `burst` and gives all of it at
 * once. A busy one gives at most 1.4 times its rate in any 100 ms; what a late timer or a slow source has left over
 * is held back and follows at a quarter of the rate on top, so a stall is made up for without a spike, and nothing
 * is lost. `tokens + held` never passes `burst` (raised to 50 ms of rate where it is smaller), so any window of W
 * seconds carries at most burst + rate × W bytes.
 */
export class Credit {
  // Numbers from the start: a field that was anything else before would allocate one with every change.
  rate = 0
  burst = 0
  tokens = 0
  held = 0
  /** Smallest grant worth a write: 64 B, or 1 ms of rate up to 4 KiB; less where 64 B takes over 100 ms. */
  grain = 1
  /** What a waiting flow is woken for: 10 ms of rate; up to 40 ms of it where that is no more than 4 KiB. */
  slice = 1
  /** The least of that where much is held back: 10 or 20 ms of rate. */
  #lateSlice = 1
  /** Somebody waits for it, or did a moment ago: it is paced, and nobody takes from it out of turn. */
  busy = false
  #recent: Recent | undefined = undefined
  #last = -Infinity
  #busyUntil = -Infinity

  /** @throws RangeError for a rate or burst that is negative or not finite */
  static check({ rate, burst }: Limit): void {
    checkAmount('rate', rate)
    checkAmount('burst', burst)
  }

  constructor(limit: Limit, now: number) {
    this.set(limit, now)
    this.tokens = this.burst / 4
  }

  /** Whether more is there than should lie idle. */
  get isAmple(): boolean {
    return this.tokens + this.held >= 2 * this.slice
  }

  /** A new limit holds from now on; credit above the new burst is dropped. */
  set(limit: Limit, now: number): void {
    if (this.#last !== -Infinity) this.refill(now)
    this.rate = limit.rate
    this.burst = Math.max(limit.burst, (limit.rate * LEAST_BURST_MS) / 1000, 1)
    this.grain = Math.min(
      this.burst,
      Math.max(Math.min(64, Math.max(1, limit.rate / 10)), Math.min(4096, limit.rate / 1000)),
    )
    this.slice = this.#sliceOf(SMALL_SLICE_MS)
    this.#lateSlice = this.#sliceOf(LATE_SLICE_MS)
    this.#busyUntil = -Infinity
    this.#fit()
  }

  /** @param waited - somebody has waited till now, so that a long wait does not end its being busy */
  refill(now: number, waited = false): void {
    if (waited && this.busy) this.markBusy(now)
    // It fills from its first use on: until then it waits at a quarter, however long its user has been known.
    const elapsedMs = this.#last === -Infinity ? 0 : now - this.#last
    if (elapsedMs <= 0) {
      this.#last = Math.max(this.#last, now)
      return
    }
    this.#last = now
    this.held += (elapsedMs * this.rate) / 1000
    this.busy = now < this.#busyUntil
    if (this.busy) this.#release(now, elapsedMs)
    else {
      this.#recent = undefined
      this.tokens += this.held
      this.held = 0
    }
    this.#fit()
  }

  /** Flows wait on this bucket until `at`: pace what it gives. */
  markBusy(at: number): void {
    this.busy = true
    this.#busyUntil = Math.max(this.#busyUntil, at + BUSY_MS)
  }

  /** Whether there is enough for a write, to somebody who wants so many bytes. */
  isWorth(wanted: number): boolean {
    return this.tokens >= Math.min(wanted, this.grain)
  }

  /** 0 where `isWorth`, else milliseconds until there is enough to wake up for. */
  msUntilWorth(wanted: number): number {
    if (this.isWorth(wanted)) return 0
    // Sooner where something is held back: long waits are why.
    const slice = Math.max(this.#lateSlice, this.slice - this.held)
    return ((Math.min(wanted, slice) - this.tokens) / this.rate) * 1000
  }

  #sliceOf(smallMs: number): number {
    const small = Math.min(SMALL_SLICE, (this.rate * smallMs) / 1000)
    return Math.min(this.burst, Math.max(this.grain, (this.rate * SLICE_MS) / 1000, small))
  }

  #release(now: number, elapsedMs: number): void {
    const perMs = this.rate / 1000
    const recent = (this.#recent ??= new Recent())
    const room = Math.max(2 * this.slice, READY_MS * perMs) - this.tokens
    const step = elapsedMs * perMs * (1 + CATCH_UP)
    const peak = Math.max(2 * this.slice, PEAK * RECENT_MS * perMs) - recent.sumAt(now)
    const released = Math.max(0, Math.min(this.held, room, step, peak))
    recent.add(released)
    this.held -= released
    this.tokens += released
  }

  #fit(): void {
    if (this.tokens > this.burst) this.tokens = this.burst
    if (this.held > this.burst - this.tokens) this.held = this.burst - this.tokens
  }
}
