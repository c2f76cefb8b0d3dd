/** A callback that has been put off; see {@link Clock.after}. */
export interface Timer {
  /** Drops the callback. Harmless once it has run or was cancelled already. */
  cancel(): void
}

/** Where everything here gets its time from, so that tests can hold it still. */
export interface Clock {
  /** Milliseconds, fractional, never going back. Only differences mean anything. */
  now(): number
  /**
   * Runs `fn` once: for 0 or less in the next turn of the event loop, else after at least `ms` milliseconds, but
   * for the rounding of the platform's timers (up to 1 ms early). Who needs the exact moment looks at `now()`
   * again.
   */
  after(ms: number, fn: () => void): Timer
}

// A longer setTimeout overflows its 32-bit field and fires at once.
const maxTimeoutMs = 2 ** 31 - 1

/** The process's own monotonic clock. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, fn) {
    if (ms <= 0) {
      const immediate = setImmediate(fn)
      return { cancel: () => clearImmediate(immediate) }
    }
    let left = Math.ceil(ms)
    const arm = (): NodeJS.Timeout => {
      const step = Math.min(left, maxTimeoutMs)
      left -= step
      return setTimeout(left > 0 ? () => (handle = arm()) : fn, step)
    }
    let handle = arm()
    return { cancel: () => clearTimeout(handle) }
  },
}
