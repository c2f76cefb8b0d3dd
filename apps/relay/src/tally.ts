/** How many there are of each; what there is none of takes no room. */
export class Tally {
  readonly #counts = new Map<string, number>()

  /** How many keys there is something of. */
  get size(): number {
    return this.#counts.size
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1)
  }

  /** @throws RangeError where there is none */
  drop(key: string): void {
    const count = this.of(key)
    if (count === 0) throw new RangeError(`there is no ${key}`)
    if (count === 1) this.#counts.delete(key)
    else this.#counts.set(key, count - 1)
  }
}
