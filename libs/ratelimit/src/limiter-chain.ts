import type { Stage } from './stage.ts'

/**
 * Several limiters in series, as one: bytes go when all stages have let them go, so the tightest one rules and each is
 * asked once for each byte. What one has let go and the next has not is kept for the takes that follow. A stage that
 * limits nothing costs nothing.
 */
export class LimiterChain {
  /** Told once for each `take` that gave nothing: so many may go now. */
  onGrant: (bytes: number) => void = () => {}
  readonly #stages: readonly Stage[]
  /** What each stage has let go and the next one has not yet. */
  readonly #between: number[]
  #wanted = 0

  /** @param stages - in the order in which they are asked; from now on they tell their grants here */
  constructor(stages: readonly Stage[]) {
    this.#stages = stages
    this.#between = stages.map(() => 0)
    for (const [nth, stage] of stages.entries()) {
      const onGrant = (bytes: number): void => this.#granted(nth, bytes)
      stage.onGrant = onGrant
    }
  }

  /** Whether any stage limits it: from then on always. */
  get limited(): boolean {
    for (const stage of this.#stages) if (stage.limiter !== undefined) return true
    return false
  }

  /**
   * Asks for `bytes` (at least 1). Asking again while waiting replaces what was asked for.
   * @returns how many may go now, up to `bytes`; 0: none, `onGrant` comes once
   */
  take(bytes: number): number {
    this.#wanted = bytes
    let nth = Math.max(0, this.#stages.length - 1)
    while (nth > 0 && this.#between[nth - 1] === 0) nth -= 1
    return this.#pass(nth)
  }

  #granted(nth: number, bytes: number): void {
    this.#hand(nth, bytes)
    const passed = nth === this.#stages.length - 1 ? bytes : this.#pass(nth + 1)
    if (passed > 0) this.onGrant(passed)
  }

  /** Asks this stage and those behind it. @returns how many have passed the last one; 0: one of them has to be waited for */
  #pass(from: number): number {
    let bytes = from === 0 ? this.#wanted : Math.min(this.#wanted, this.#between[from - 1]!)
    for (let nth = from; nth < this.#stages.length; nth += 1) {
      const { limiter } = this.#stages[nth]!
      if (limiter !== undefined) bytes = limiter.take(bytes)
      if (bytes === 0) return 0
      this.#hand(nth, bytes)
    }
    return bytes
  }

  /** The stage has let so many go, out of what lay in front of it. */
  #hand(nth: number, bytes: number): void {
    if (nth > 0) this.#between[nth - 1]! -= bytes
    if (nth < this.#stages.length - 1) this.#between[nth]! += bytes
  }
}
