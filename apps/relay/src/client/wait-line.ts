import { RELAY_STATUS } from '@sluice/wire/relay'
import { PeerError } from '../peer/peer-error.ts'
import type { Timing } from '../peer/timing.ts'

export interface WaitOptions {
  /** How long there may be no room; 0: it is not waited for. */
  readonly waitMs: number
  readonly signal: AbortSignal
  /** It has to wait; `refusal` says for which limit. */
  readonly onWait?: ((refusal: PeerError) => void) | undefined
}

interface Place {
  readonly ticket: number
  turn: PromiseWithResolvers<void>
}

/** Room comes without anybody being told where other peers fill the relay. */
const LOOK_MS = 500
const FULL: ReadonlySet<number | undefined> = new Set([
  RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED,
  RELAY_STATUS.RATE_LIMITED,
])

/** Whether there is no room for a circuit now, and there may be in a moment. */
export const isFull = (error: unknown): error is PeerError =>
  error instanceof PeerError && error.code === 'RELAY_REFUSED' && FULL.has(error.status)

/**
 * Those who want a circuit while a relay has no room for one more wait here, first come first served: only the first in the
 * line asks again, when a circuit of this peer has ended, and now and then.
 */
export class WaitLine {
  readonly #timing: Timing
  #places: Place[] = []
  #tickets = 0
  #refusal: PeerError | undefined = undefined

  constructor(timing: Timing) {
    this.#timing = timing
  }

  get length(): number {
    return this.#places.length
  }

  /** What `attempt` gives, once there is room. @throws what it throws, of no room after `waitMs`; the signal's reason */
  async run<T>(attempt: () => Promise<T>, options: WaitOptions): Promise<T> {
    const ticket = this.#tickets++
    if (this.#places.length === 0) {
      try {
        return await attempt()
      } catch (error) {
        if (!isFull(error)) throw error
        this.#refusal = error
      }
    }
    if (options.waitMs === 0) throw this.#refusal!
    options.onWait?.(this.#refusal!)
    return this.#wait(ticket, attempt, options)
  }

  /** There may be room. */
  freed(): void {
    this.#places[0]?.turn.resolve()
  }

  async #wait<T>(ticket: number, attempt: () => Promise<T>, { waitMs, signal }: WaitOptions): Promise<T> {
    const place: Place = { ticket, turn: Promise.withResolvers() }
    const index = this.#places.findIndex((other) => other.ticket > ticket)
    this.#places.splice(index === -1 ? this.#places.length : index, 0, place)
    let isLate = false
    const cancelLate = this.#timing.after(waitMs, () => {
      isLate = true
      place.turn.reject(this.#refusal!)
    })
    const onAbort = (): void => place.turn.reject(signal.reason)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    let cancelLook = this.#look(this.#refusal!)
    try {
      for (;;) {
        await place.turn.promise
        try {
          return await attempt()
        } catch (error) {
          if (!isFull(error)) throw error
          this.#refusal = error
          if (isLate) throw error
        }
        place.turn = Promise.withResolvers()
        cancelLook()
        cancelLook = this.#look(this.#refusal)
      }
    } finally {
      cancelLate()
      cancelLook()
      signal.removeEventListener('abort', onAbort)
      this.#places = this.#places.filter((other) => other !== place)
      this.freed()
    }
  }

  /** Whoever is first then asks again. */
  #look({ retryAfter }: PeerError): () => void {
    const ms = Math.max(retryAfter * 1000, LOOK_MS) * (1 + this.#timing.random() / 2)
    return this.#timing.after(ms, () => this.freed())
  }
}
