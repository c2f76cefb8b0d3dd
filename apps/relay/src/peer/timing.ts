/** Clock and chance. */
export interface Timing {
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** @returns what calls it off */
  after(ms: number, run: () => void): () => void
  /** 0 to less than 1. */
  random(): number
}

/** Longer ones would go off at once. Whoever waits so long may as well look a little early. */
const LONGEST_MS = 2 ** 31 - 1

export const systemTiming: Timing = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(ms, LONGEST_MS))
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
