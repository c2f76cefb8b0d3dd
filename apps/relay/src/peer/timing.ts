/** Clock and chance. */
export interface Timing {
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** @returns what calls it off */
  after(ms: number, run: () => void): () => void
  /** 0 to less than 1. */
  random(): number
}

export const systemTiming: Timing = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
