import { setImmediate } from 'node:timers/promises'

const SLICE_MS = 4

/** For long work that must not hold up the event loop. */
export class TimeSlices {
  #end = performance.now() + SLICE_MS

  /** To be awaited between two steps, where `isOver`: lets others have their turn. */
  async pause(): Promise<void> {
    await setImmediate()
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
