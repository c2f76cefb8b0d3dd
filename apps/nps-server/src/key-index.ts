/** Who has a key, where each key is one's only. */
export class KeyIndex<Owner> {
  readonly #owners = new Map<string, Owner>()

  get(key: string): Owner | undefined {
    return this.#owners.get(key)
  }

  /** Its key is now another, or none. A key that somebody else has taken meanwhile stays theirs. */
  move(owner: Owner, from: string | undefined, to: string | undefined): void {
    if (from !== undefined && from !== to && this.#owners.get(from) === owner) this.#owners.delete(from)
    if (to !== undefined) this.#owners.set(to, owner)
  }
}
