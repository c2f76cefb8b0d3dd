/** A first come, first served bound on what runs at a time and on what waits for that. */
export class Line {
  readonly #parallel: number
  readonly #waiting: number
  readonly #queue = new Set<() => void>()
  #running = 0

  constructor(parallel: number, waiting: number) {
    this.#parallel = parallel
    this.#waiting = waiting
  }

  /**
   * Calls `start` when there is a place for it, which may be now; `done` must follow once.
   * @returns false where too many wait: it is never called then
   */
  enter(start: () => void): boolean {
    if (this.#running < this.#parallel) {
      this.#running += 1
      start()
      return true
    }
    if (this.#queue.size >= this.#waiting) return false
    this.#queue.add(start)
    return true
  }

  /** @returns whether it was still waiting, and so will never be called */
  leave(start: () => void): boolean {
    return this.#queue.delete(start)
  }

  done(): void {
    const [next] = this.#queue
    if (next === undefined) {
      this.#running -= 1
      return
    }
    this.#queue.delete(next)
    next()
  }
}
