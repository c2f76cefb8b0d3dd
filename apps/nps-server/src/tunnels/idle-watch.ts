import type { Clock, Timer } from '@sluice/ratelimit'

const PARTS = 4

/** Tells when nothing has happened for so long, up to a quarter later: a look now and then costs less than a timer each time. */
export class IdleWatch implements Disposable {
  readonly #clock: Clock
  readonly #partMs: number
  readonly #onIdle: () => void
  #quiet = 0
  #timer: Timer

  constructor({ clock, ms, onIdle }: { clock: Clock; ms: number; onIdle: () => void }) {
    this.#clock = clock
    this.#partMs = ms / PARTS
    this.#onIdle = onIdle
    this.#timer = this.#after()
  }

  /** Something has happened. */
  touch(): void {
    this.#quiet = 0
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
  }

  #after(): Timer {
    return this.#clock.after(this.#partMs, () => {
      if (this.#quiet === PARTS) return this.#onIdle()
      this.#quiet += 1
      this.#timer = this.#after()
    })
  }
}
