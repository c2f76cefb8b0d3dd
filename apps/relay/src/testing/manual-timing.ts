import type { Timing } from '../peer/timing.ts'

/** A clock that the test moves. */
export class ManualTiming implements Timing {
  chance = 0.5
  #now = 0
  #timers: { at: number; run: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  random(): number {
    return this.chance
  }

  /** Milliseconds until each of the timers that are set. */
  get due(): number[] {
    return this.#timers.map(({ at }) => at - this.#now).toSorted((one, other) => one - other)
  }

  advance(ms: number): void {
    this.#now += ms
    const due = this.#timers.filter(({ at }) => at <= this.#now)
    this.#timers = this.#timers.filter(({ at }) => at > this.#now)
    for (const { run } of due) run()
  }
}
