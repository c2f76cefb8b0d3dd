/**
 * A number of bytes that may pass, and a call when they are gone. No clock, no periods: whoever keeps the
 * ledger sets it again.
 */
export class Quota {
  /** Called once each time the last byte goes, by a take or by {@link Quota.set}, after it is gone. */
  onSpent: (() => void) | undefined
  #remaining: number

  /** @param remaining - whole bytes, exact below 2^53; Infinity: no quota; below 0 counts as 0 */
  constructor(remaining: number) {
    this.#remaining = atLeastNothing(remaining)
  }

  /** Bytes left; Infinity: no quota. */
  get remaining(): number {
    return this.#remaining
  }

  /** Takes all of `bytes` (0 or more, finite) or, where fewer are left, none. */
  take(bytes: number): boolean {
    if (bytes > this.#remaining) return false
    this.#leave(this.#remaining - bytes)
    return true
  }

  /** Takes what is left, at most `bytes` (0 or more, finite), and tells how much that was. */
  takeUpTo(bytes: number): number {
    const taken = Math.min(bytes, this.#remaining)
    this.#leave(this.#remaining - taken)
    return taken
  }

  /** What is left from now on, as in the constructor. */
  set(remaining: number): void {
    this.#leave(atLeastNothing(remaining))
  }

  #leave(remaining: number): void {
    const spent = remaining === 0 && this.#remaining > 0
    this.#remaining = remaining
    if (spent) this.onSpent?.()
  }
}

function atLeastNothing(remaining: number): number {
  if (Number.isNaN(remaining)) throw new RangeError('remaining must be a number, not NaN')
  return Math.max(0, remaining)
}
