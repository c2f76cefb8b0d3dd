import { defaultBurst, type Limit, Shaper, type Share, type ShareLimits } from '@sluice/ratelimit'
import type { RelayLimits } from './limits.ts'

type Rates = Pick<RelayLimits, 'rate' | 'globalRate'>

/** What circuits may take of the relay's bandwidth: each its own rate, and all together one. */
export class CircuitShares {
  readonly #shaper: Shaper

  constructor({ globalRate }: Rates) {
    this.#shaper = new Shaper(bothWays(globalRate))
  }

  /** Of all together, at once; a circuit keeps the rate that its peers were told. */
  set({ globalRate }: Rates): void {
    this.#shaper.set(bothWays(globalRate))
  }

  /** The share of a circuit, until it is closed. @param rate bytes/s, each way; 0: any */
  open(key: string, rate: number): Share {
    return this.#shaper.user(key, bothWays(rate))
  }

  close(key: string): void {
    this.#shaper.remove(key)
  }

  stop(): void {
    this.#shaper.close()
  }
}

const bothWays = (rate: number): ShareLimits => {
  if (rate === 0) return {}
  const limit: Limit = { rate, burst: defaultBurst(rate) }
  return { up: limit, down: limit }
}
