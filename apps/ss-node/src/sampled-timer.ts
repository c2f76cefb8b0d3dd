import type { Observer } from '@sluice/metrics'

/** One call in so many is timed. */
export const SAMPLE_EVERY = 64

/** Takes the time of something that happens too often to be timed each time: the others cost one subtraction. */
export class SampledTimer {
  readonly #observer: Observer
  readonly #now: () => number
  #left = 1

  /** @param now monotonic, ms */
  constructor(observer: Observer, now: () => number = () => performance.now()) {
    this.#observer = observer
    this.#now = now
  }

  /** @returns for `end`; 0 where this one is not timed */
  begin(): number {
    this.#left -= 1
    if (this.#left > 0) return 0
    this.#left = SAMPLE_EVERY
    return this.#now()
  }

  end(begun: number): void {
    if (begun !== 0) this.#observer.observe((this.#now() - begun) / 1000)
  }
}
