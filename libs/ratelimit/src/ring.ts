/** What a `Ring` can hold: at most one ring at a time, links inside the element so that removal is O(1). */
export abstract class Linked {
  /** @internal */ ring: Ring<this> | undefined = undefined
  /** @internal */ prev: this | undefined = undefined
  /** @internal */ next: this | undefined = undefined
}

/** First in, first out, with removal from the middle. */
export class Ring<T extends Linked> {
  head: T | undefined = undefined
  #tail: T | undefined = undefined
  size = 0

  get tail(): T | undefined {
    return this.#tail
  }

  /** Takes `item` out of the ring it is in, if any, and appends it to this one. */
  push(item: T): void {
    item.ring?.delete(item)
    item.ring = this
    item.prev = this.#tail
    if (this.#tail === undefined) this.head = item
    else this.#tail.next = item
    this.#tail = item
    this.size++
  }

  delete(item: T): void {
    if (item.prev === undefined) this.head = item.next
    else item.prev.next = item.next
    if (item.next === undefined) this.#tail = item.prev
    else item.next.prev = item.prev
    item.ring = item.prev = item.next = undefined
    this.size--
  }
}
