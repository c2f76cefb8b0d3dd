import type { Limit } from './token-bucket.ts'

/** Credit released in one step while flows wait, and how fast what was held back follows. */
const STEP_MS = 25
const CATCH_UP = 0.25
/** How long after the last wait credit is still paced. */
const BUSY_MS = 250
const SLICE_MS = 10
/** Timers fire up to 40 ms late; a smaller bucket would run over meanwhile and lose rate. */
const LEAST_BURST_MS = 50

/**
 * A token bucket that does not burst while flows wait on it. An idle bucket fills to `burst` and gives all of it at
 * once. A busy one releases at most 25 ms of rate in one step; what a late timer or a slow source left over is held
 * and released at a quarter of the rate on top, so a stall is made up for without a spike, and nothing is lost.
 * `tokens + held` never passes `burst` (raised to 50 ms of rate where it is smaller), so any window of W seconds carries at most burst + rate × W bytes.
 */
export class Credit {
  rate: number
  burst: number
  tokens: number
  held = 0
  /** Smallest grant worth a write: 64 B, or 1 ms of rate up to 4 KiB; less where 64 B takes over 100 ms. */
  grain = 1
  /** What a waiting flow is woken for: 10 ms of rate. */
  slice = 1
  #last: number
  #busyUntil = -Infinity

  constructor(limit: Limit, now: number) {
    this.rate = this.burst = this.tokens = 0
    this.#last = now
    this.set(limit, now)
    this.tokens = this.burst / 4
  }

  /** A new limit holds from now on; credit above the new burst is dropped. */
  set(limit: Limit, now: number): void {
    this.refill(now)
    this.rate = limit.rate
    this.burst = Math.max(limit.burst, (limit.rate * LEAST_BURST_MS) / 1000, 1)
    this.grain = Math.min(
      this.burst,
      Math.max(Math.min(64, Math.max(1, limit.rate / 10)), Math.min(4096, limit.rate / 1000)),
    )
    this.slice = Math.min(this.burst, Math.max(this.grain, (limit.rate * SLICE_MS) / 1000))
    this.#fit()
  }

  refill(now: number): void {
    const elapsedMs = now - this.#last
    if (elapsedMs <= 0) return
    this.#last = now
    this.held += (elapsedMs * this.rate) / 1000
    if (now < this.#busyUntil) this.#release(elapsedMs)
    else {
      this.tokens += this.held
      this.held = 0
    }
    this.#fit()
  }

  /** A flow waits on this bucket: pace what it gives. */
  markBusy(now: number): void {
    this.#busyUntil = now + BUSY_MS
  }

  /** Milliseconds until there are `tokens`, if nobody takes any; 0 where there are. */
  msUntil(tokens: number): number {
    return tokens <= this.tokens ? 0 : ((tokens - this.tokens) / this.rate) * 1000
  }

  #release(elapsedMs: number): void {
    const most = Math.max((STEP_MS * this.rate) / 1000, 2 * this.slice)
    const step = Math.min(most, (elapsedMs * this.rate * (1 + CATCH_UP)) / 1000)
    const released = Math.max(0, Math.min(step, this.held, most - this.tokens))
    this.held -= released
    this.tokens += released
  }

  #fit(): void {
    if (this.tokens > this.burst) this.tokens = this.burst
    if (this.held > this.burst - this.tokens) this.held = this.burst - this.tokens
  }
}
