/** What a `Heap` can hold: it remembers where it stands in each of the heaps it may be in. */
export interface Heaped {
  /** By the number of the heap; below 0 or absent: not in it. */
  readonly places: number[]
}

/** A binary heap that can find its elements again: every step is O(log n), looking at the first is O(1). */
export class Heap<T extends Heaped> {
  readonly #items: T[] = []
  readonly #number: number
  readonly #isBefore: (a: T, b: T) => boolean

  /** @param number - of this heap, among those that an element may be in at once */
  constructor(number: number, isBefore: (a: T, b: T) => boolean) {
    this.#number = number
    this.#isBefore = isBefore
  }

  get head(): T | undefined {
    return this.#items[0]
  }

  get size(): number {
    return this.#items.length
  }

  has(item: T): boolean {
    return (item.places[this.#number] ?? -1) >= 0
  }

  /** Puts `item` where it belongs, whether it is here already or not. */
  put(item: T): void {
    const at = this.has(item) ? item.places[this.#number]! : this.#items.push(item) - 1
    this.#down(this.#up(at, item), item)
  }

  delete(item: T): void {
    if (!this.has(item)) return
    const at = item.places[this.#number]!
    item.places[this.#number] = -1
    const last = this.#items.pop()!
    if (last !== item) this.#down(this.#up(at, last), last)
  }

  #up(from: number, item: T): number {
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = this.#items[parentAt]!
      if (!this.#isBefore(item, parent)) break
      this.#set(at, parent)
      at = parentAt
    }
    return at
  }

  #down(from: number, item: T): void {
    let at = from
    for (let childAt = this.#firstChild(at); childAt > 0; childAt = this.#firstChild(at)) {
      const child = this.#items[childAt]!
      if (!this.#isBefore(child, item)) break
      this.#set(at, child)
      at = childAt
    }
    this.#set(at, item)
  }

  /** 0: there is none. */
  #firstChild(at: number): number {
    const left = 2 * at + 1
    const right = left + 1
    if (left >= this.#items.length) return 0
    if (right >= this.#items.length) return left
    return this.#isBefore(this.#items[right]!, this.#items[left]!) ? right : left
  }

  #set(at: number, item: T): void {
    this.#items[at] = item
    item.places[this.#number] = at
  }
}
