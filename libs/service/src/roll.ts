/** Where somebody stands on a {@link Roll}. */
export interface Place<T> {
  readonly who: T
  before: Place<T> | undefined
  after: Place<T> | undefined
}

/**
 * Those who are here, in the order in which they came. A Set would do but for those who have left: when it grows or is
 * tidied up it leaves an old table behind that leads to the new one, and while only young objects are collected, all that
 * these old tables hold counts as alive. Where thousands come and go in a second that is every one of them.
 */
export class Roll<T> {
  #first: Place<T> | undefined = undefined
  #last: Place<T> | undefined = undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @returns for `delete` */
  add(who: T): Place<T> {
    const place: Place<T> = { who, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.after = place
    this.#last = place
    this.#size += 1
    return place
  }

  /** To be called once for each place. */
  delete(place: Place<T>): void {
    const { before, after } = place
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    place.before = place.after = undefined
    this.#size -= 1
  }

  /** All of them as they are now, whoever leaves meanwhile. */
  all(): T[] {
    const all: T[] = []
    for (let place = this.#first; place !== undefined; place = place.after) all.push(place.who)
    return all
  }
}
