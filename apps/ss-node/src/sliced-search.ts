import { type Limit, TokenBucket } from '@sluice/ratelimit'
import { wideNetwork } from './wide-network.ts'

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
  /** What our thread has had of the processor, ms. @default the system's where it tells, else `now` */
  readonly cpu?: () => number
  /** Runs something when others have had their turn, and so many ms have passed. @default setImmediate, setTimeout */
  readonly later?: (turn: () => void, ms: number) => void
  /** How long a turn may take, ms. @default 2 */
  readonly sliceMs?: number
}

interface Task {
  /** @returns whether it is over */
  step(): boolean
  /** There is no room for it any more. */
  drop(): void
}

/**
 * The time of the processor that searches may take, ms, in a second: between turns the system hands over but a few new conns, so one turn
 * after the other, for as long as strangers come from ever new addresses, would keep everybody else waiting at the door.
 */
const SHARE: Limit = { rate: 200, burst: 200 }
/** So many wait; beyond that somebody of the network that has most has to do without. */
const MOST_WAITING = 1024

/**
 * Long searches that hold up nobody: in turns of a few ms, between which the event loop goes round. Networks have a turn
 * each, so that one which has nothing but garbage to send keeps its own waiting, and nobody else; in a network one search
 * comes after the other. One for all ports, or as many turns would follow upon each other as there are searches.
 */
export class SlicedSearch {
  readonly #now: () => number
  readonly #cpu: () => number
  readonly #later: (turn: () => void, ms: number) => void
  readonly #sliceMs: number
  /** By network; the one whose turn is next is first. */
  readonly #lines = new Map<string, Set<Task>>()
  #waiting = 0
  readonly #share: TokenBucket
  #isScheduled = false

  constructor({ now, cpu, later, sliceMs = 2 }: SearchOptions = {}) {
    this.#now = now ?? ((): number => performance.now())
    this.#cpu = cpu ?? threadMs ?? this.#now
    this.#later = later ?? ((turn, ms): void => void (ms > 0 ? setTimeout(turn, ms) : setImmediate(turn)))
    this.#sliceMs = sliceMs
    this.#share = new TokenBucket(SHARE, this.#now(), 1)
  }

  /**
   * Looks for the last of `items` that matches, from the end on.
   * @param ip for whom; its neighbours wait together
   */
  start<T>(items: readonly T[], matches: (item: T) => boolean, ip: string): Search<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
    let left = items.length
    const drop = (): void => resolve(undefined)
    const task: Task = {
      step: () => {
        if (left === 0) drop()
        else if (isMatch(matches, items[--left]!, reject)) resolve(items[left])
        else return false
        return true
      },
      drop,
    }
    const network = wideNetwork(ip)
    this.#enter(network, task)
    const abandon = (): void => {
      this.#leave(network, task)
      drop()
    }
    return { found: promise, abandon }
  }

  #enter(network: string, task: Task): void {
    const line = this.#lines.get(network) ?? new Set()
    if (this.#waiting >= MOST_WAITING && !this.#makeRoom(line.size)) {
      task.drop()
      return
    }
    this.#lines.set(network, line)
    line.add(task)
    this.#waiting += 1
    this.#schedule()
  }

  #leave(network: string, task: Task): void {
    const line = this.#lines.get(network)
    if (line?.delete(task) !== true) return
    this.#waiting -= 1
    if (line.size === 0) this.#lines.delete(network)
  }

  /** Drops the last task of the longest line. @returns whether there is one longer than `size` and one more */
  #makeRoom(size: number): boolean {
    let longest: [string, Set<Task>] | undefined
    for (const entry of this.#lines) if (entry[1].size > (longest?.[1].size ?? size + 1)) longest = entry
    if (longest === undefined) return false
    const last = [...longest[1]].at(-1)!
    this.#leave(longest[0], last)
    last.drop()
    return true
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting === 0) return
    this.#isScheduled = true
    this.#later(this.#turn, this.#share.take(0, this.#now()))
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    // Not the time that passed: on a busy machine most of that is others', and who searches would wait many times as long.
    const begun = this.#cpu()
    this.#search(this.#now() + this.#sliceMs)
    this.#share.take(this.#cpu() - begun, this.#now())
    this.#schedule()
  }

  #search(end: number): void {
    for (const [network, line] of this.#lines) {
      const [task] = line
      let isOver = task!.step()
      while (!isOver && this.#now() < end) isOver = task!.step()
      if (isOver) this.#leave(network, task!)
      this.#moveBack(network, line)
      if (this.#now() >= end) return
    }
  }

  #moveBack(network: string, line: Set<Task>): void {
    if (line.size === 0) return
    this.#lines.delete(network)
    this.#lines.set(network, line)
  }
}

/** undefined where Node is older than 23.9. */
const threadMs =
  typeof process.threadCpuUsage === 'function'
    ? (): number => {
        const { user, system } = process.threadCpuUsage()
        return (user + system) / 1000
      }
    : undefined

/** A failure ends the search as a match does. */
const isMatch = <T>(matches: (item: T) => boolean, item: T, fail: (error: unknown) => void): boolean => {
  try {
    return matches(item)
  } catch (error) {
    fail(error)
    return true
  }
}
