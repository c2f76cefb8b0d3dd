import { type Limit, TokenBucket } from '@sluice/ratelimit'

/** A search that runs, or waits for its turn. */
export interface Search<T> {
  /** Resolves with what was found, undefined where nothing was or nobody wants to know any more. */
  readonly found: Promise<T | undefined>
  /** Nobody waits for it any more. */
  abandon(): void
}

export interface SearchOptions {
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
  /** Runs something when others have had their turn, and so many ms have passed. @default setImmediate, setTimeout */
  readonly later?: (turn: () => void, ms: number) => void
  /** How long a turn may take, ms. @default 4 */
  readonly sliceMs?: number
}

interface Task {
  /** @returns whether it is over */
  step(): boolean
}

/**
 * The time that searches may take, ms, in a second: between turns the system hands over but a few new conns, so one turn
 * after the other, for as long as strangers come from ever new addresses, would keep everybody else waiting at the door.
 */
const SHARE: Limit = { rate: 200, burst: 200 }
/** So many wait; whoever comes then has to do without. */
const MOST_WAITING = 1024

/**
 * Long searches that hold up nobody: one after the other, in turns of a few ms, between which the event loop goes round.
 * One for all ports, or as many turns would follow upon each other as there are searches.
 */
export class SlicedSearch {
  readonly #now: () => number
  readonly #later: (turn: () => void, ms: number) => void
  readonly #sliceMs: number
  readonly #tasks = new Set<Task>()
  readonly #share: TokenBucket
  #isScheduled = false

  constructor({ now, later, sliceMs = 4 }: SearchOptions = {}) {
    this.#now = now ?? ((): number => performance.now())
    this.#later = later ?? ((turn, ms): void => void (ms > 0 ? setTimeout(turn, ms) : setImmediate(turn)))
    this.#sliceMs = sliceMs
    this.#share = new TokenBucket(SHARE, this.#now(), 1)
  }

  /** Looks for the last of `items` that matches, from the end on. */
  start<T>(items: readonly T[], matches: (item: T) => boolean): Search<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
    let left = items.length
    const task: Task = {
      step: () => {
        if (left === 0) resolve(undefined)
        else if (isMatch(matches, items[--left]!, reject)) resolve(items[left])
        else return false
        return true
      },
    }
    if (this.#tasks.size >= MOST_WAITING) resolve(undefined)
    else this.#enter(task)
    const abandon = (): void => {
      this.#tasks.delete(task)
      resolve(undefined)
    }
    return { found: promise, abandon }
  }

  #enter(task: Task): void {
    this.#tasks.add(task)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#tasks.size === 0) return
    this.#isScheduled = true
    this.#later(this.#turn, this.#share.take(0, this.#now()))
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    const begun = this.#now()
    this.#search(begun + this.#sliceMs)
    const end = this.#now()
    this.#share.take(end - begun, end)
    this.#schedule()
  }

  #search(end: number): void {
    for (const task of this.#tasks) {
      while (!task.step()) if (this.#now() >= end) return
      this.#tasks.delete(task)
      if (this.#now() >= end) return
    }
  }
}

/** A failure ends the search as a match does. */
const isMatch = <T>(matches: (item: T) => boolean, item: T, fail: (error: unknown) => void): boolean => {
  try {
    return matches(item)
  } catch (error) {
    fail(error)
    return true
  }
}
