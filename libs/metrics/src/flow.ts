/** up: client→target, down: target→client. */
export type Direction = 'up' | 'down'

/** Bytes of both directions. */
export interface Bytes {
  up: number
  down: number
}

/**
 * The byte counter of one session: counted where the bytes pass, drained by whoever bills them.
 * `up` and `down` are what is not drained yet; a lane may add to them itself (`flow.up += n`).
 * Whole numbers stay exact up to 2^53 (9 PB).
 */
export class Flow {
  up = 0
  down = 0
  #drainedUp = 0
  #drainedDown = 0

  add(direction: Direction, bytes: number): void {
    if (direction === 'up') this.up += bytes
    else this.down += bytes
  }

  /** Totals since creation, drained or not. */
  read(): Bytes {
    return { up: this.#drainedUp + this.up, down: this.#drainedDown + this.down }
  }

  /** What was counted since the last drain, and starts again from zero: every byte is handed out exactly once. */
  drain(): Bytes {
    const drained = { up: this.up, down: this.down }
    this.#drainedUp += this.up
    this.#drainedDown += this.down
    this.up = 0
    this.down = 0
    return drained
  }
}
