import { Linked, Ring } from './ring.ts'

/** Gives a waiter its slot, or the reason why it gets none. */
export type Settle = (slot: Disposable | undefined, reason?: unknown) => void

/** One who waits: by its turn under its key, and by its age among all. */
export class Waiter extends Linked {
  readonly queue: Queue
  readonly age: Age
  readonly since: number
  readonly cost: number
  readonly settle: Settle

  constructor(queue: Queue, since: number, cost: number, settle: Settle) {
    super()
    this.queue = queue
    this.age = new Age(this)
    this.since = since
    this.cost = cost
    this.settle = settle
  }
}

class Age extends Linked {
  readonly waiter: Waiter

  constructor(waiter: Waiter) {
    super()
    this.waiter = waiter
  }
}

class Queue extends Linked {
  readonly key: string
  readonly waiters: Ring<Waiter> = new Ring()
  weight = 1
  deficit = 0

  constructor(key: string) {
    super()
    this.key = key
  }
}

/** Who waits at a gate, and whose turn it is. Knows neither slots nor deadlines; every step is O(1). */
export class WaitingRoom {
  readonly #queues = new Map<string, Queue>()
  readonly #turns = new Ring<Queue>()
  readonly #ages = new Ring<Age>()
  #bytes = 0

  get size(): number {
    return this.#ages.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get oldest(): Waiter | undefined {
    return this.#ages.head?.waiter
  }

  /** How many wait under `key`. */
  sizeOf(key: string): number {
    return this.#queues.get(key)?.waiters.size ?? 0
  }

  /** @param weight - 1 or more, or the key's turns would not suffice for one waiter each */
  add(key: string, weight: number, waiting: { since: number; cost: number; settle: Settle }): Waiter {
    const queue = this.#queues.get(key) ?? this.#open(key)
    queue.weight = weight
    const waiter = new Waiter(queue, waiting.since, waiting.cost, waiting.settle)
    queue.waiters.push(waiter)
    this.#ages.push(waiter.age)
    this.#bytes += waiter.cost
    return waiter
  }

  remove(waiter: Waiter): void {
    const { queue } = waiter
    queue.waiters.delete(waiter)
    this.#ages.delete(waiter.age)
    this.#bytes -= waiter.cost
    if (queue.waiters.size > 0) return
    this.#turns.delete(queue)
    this.#queues.delete(queue.key)
  }

  /** Takes out whose turn it is: deficit round robin over keys, one unit a waiter. */
  next(): Waiter | undefined {
    const queue = this.#turns.head
    const waiter = queue?.waiters.head
    if (!queue || !waiter) return undefined
    if (queue.deficit < 1) queue.deficit += queue.weight
    queue.deficit--
    if (queue.deficit < 1) this.#turns.push(queue)
    this.remove(waiter)
    return waiter
  }

  #open(key: string): Queue {
    const queue = new Queue(key)
    this.#queues.set(key, queue)
    this.#turns.push(queue)
    return queue
  }
}
