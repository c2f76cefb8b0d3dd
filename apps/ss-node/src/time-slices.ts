import { setTimeout as rest } from 'node:timers/promises'

const SLICE_MS = 1
/** The shortest that there is. */
const REST_MS = 1

/** For long work that must not hold up the event loop. */
export class TimeSlices {
  #end = performance.now() + SLICE_MS

  /**
   * To be awaited between two steps, where `isOver`: lets others have their turn, and a moment without work, in which
   * the answer to what they send may come. After one round of the event loop, each step of a conn would wait for a slice.
   */
  async pause(): Promise<void> {
    await rest(REST_MS)
    this.#end = performance.now() + SLICE_MS
  }

  /** Between two steps of some milliseconds each: lets others have their turn where a slice is over. */
  async breathe(): Promise<void> {
    if (this.isOver) await this.pause()
  }

  get isOver(): boolean {
    return performance.now() >= this.#end
  }
}
