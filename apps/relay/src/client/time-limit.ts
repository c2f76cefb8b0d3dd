import { PeerError } from '../peer/peer-error.ts'
import type { Timing } from '../peer/timing.ts'

/** A signal that comes after `ms`, with PeerError RELAY_TIMEOUT, or with one that is given; dispose of it. */
export class TimeLimit implements Disposable {
  readonly signal: AbortSignal
  readonly #cancel: () => void

  constructor(ms: number, timing: Timing, outer: AbortSignal) {
    const late = new AbortController()
    this.#cancel = timing.after(ms, () => {
      late.abort(new PeerError('RELAY_TIMEOUT', `no answer within ${ms / 1000} s`))
    })
    this.signal = AbortSignal.any([late.signal, outer])
  }

  [Symbol.dispose](): void {
    this.#cancel()
  }
}

/** What `run` gives; an abort of `signal` stops what it waits for. @throws what `run` does, or the signal's reason */
export const abortable = async <T>(
  stop: (reason: Error) => void,
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> => {
  const onAbort = (): void => stop(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    return await run()
  } catch (error) {
    stop(error as Error)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
