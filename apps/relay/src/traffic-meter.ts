/** Windows that rates are told over. */
const WINDOWS_S = [10, 60, 300, 900, 1800, 3600] as const
const STEP_S = 10
const NAMES = ['kbps10s', 'kbps1m', 'kbps5m', 'kbps15m', 'kbps30m', 'kbps60m'] as const

/** Thousands of bits per second, over the last so long. */
export type TrafficRates = Readonly<Record<(typeof NAMES)[number], number>>

/** How much passed lately: a total, looked at every 10 s and remembered for an hour. */
export class TrafficMeter {
  /** Bytes since the start. */
  readonly total: () => number
  /** The newest is last. */
  readonly #samples: number[]
  readonly #timer: NodeJS.Timeout

  /** @param total bytes since the start */
  constructor(total: () => number) {
    this.total = total
    this.#samples = [total()]
    this.#timer = setInterval(() => this.tick(), STEP_S * 1000).unref()
  }

  /** 10 s have passed. */
  tick(): void {
    this.#samples.push(this.total())
    if (this.#samples.length > 3600 / STEP_S + 1) this.#samples.shift()
  }

  rates(): TrafficRates {
    const newest = this.#samples.at(-1)!
    const rate = (seconds: number): number => {
      const before = this.#samples.at(-1 - seconds / STEP_S) ?? this.#samples[0]!
      return Math.round(((newest - before) * 8) / 1000 / seconds)
    }
    return Object.fromEntries(NAMES.map((name, i) => [name, rate(WINDOWS_S[i]!)])) as unknown as TrafficRates
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
