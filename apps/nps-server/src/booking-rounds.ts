import type { Clock, Timer } from '@sluice/ratelimit'

export interface BookingRoundsOptions {
  readonly clock: Clock
  /** Books one batch. @returns whether the round goes on */
  readonly book: () => boolean
}

/** So long the traffic has for itself between two batches. */
const PAUSE_MS = 1

/** Books batch after batch, each in a turn of the event loop of its own: nobody waits for more than one of them. */
export class BookingRounds {
  readonly #options: BookingRoundsOptions
  #timer: Timer | undefined = undefined

  constructor(options: BookingRoundsOptions) {
    this.#options = options
  }

  /** Books the first batch now, unless a round is under way. */
  begin(): void {
    if (this.#timer === undefined) this.#go()
  }

  /** No other batch is booked until it begins again. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #go(): void {
    const { clock, book } = this.#options
    this.#timer = book() ? clock.after(PAUSE_MS, () => this.#go()) : undefined
  }
}
