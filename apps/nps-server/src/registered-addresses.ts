import { plainIp } from '@sluice/net'
import { formatIp } from '@sluice/wire'

const HOUR_MS = 3_600_000
/** A year: whoever wants more is better off with a list. */
const MAX_HOURS = 8784
const MAX = 4096

/** Addresses that somebody with a client's key has vouched for, each until a time. Nothing of it outlives the program. */
export class RegisteredAddresses {
  /** Those that were registered last are last. */
  readonly #until = new Map<string, number>()

  /** @param now wall clock, ms since 1970 @returns until when, which may be less than was asked for */
  add(ip: string, hours: number, now: number): number {
    const key = keyOf(ip)
    const until = now + Math.min(hours, MAX_HOURS) * HOUR_MS
    this.#until.delete(key)
    this.#until.set(key, until)
    if (this.#until.size > MAX) this.#sweep(now)
    return until
  }

  has(ip: string, now: number): boolean {
    return (this.#until.get(keyOf(ip)) ?? 0) > now
  }

  #sweep(now: number): void {
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key)
    for (const key of this.#until.keys()) {
      if (this.#until.size <= MAX) return
      this.#until.delete(key)
    }
  }
}

/** IPv4 is the same wherever it came in. */
const keyOf = (ip: string): string => {
  const bytes = plainIp(ip)
  return bytes === undefined ? ip : formatIp(bytes)
}
