import type { Account } from '@sluice/service'

/** Whose hosts a visitor's connection asks for: those of one, or nobody's where they are those of several. */
export class VisitOwner {
  readonly #guest: Account
  #owner: Account | undefined = undefined

  constructor(guest: Account) {
    this.#guest = guest
  }

  /** The guest while nobody was asked for. */
  get account(): Account {
    return this.#owner ?? this.#guest
  }

  add(owner: Account): void {
    this.#owner = this.#owner === undefined || this.#owner === owner ? owner : this.#guest
  }
}
