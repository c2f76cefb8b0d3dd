import type { Credit } from './credit.ts'
import { quantumOf } from './turns.ts'

/** @internal One of the two directions. */
export interface Party {
  /** Bytes left before it is the other's turn. */
  deficit: number
  /** How many take turns in it. */
  readonly size: number
  /** Whether it is about to use what both draw on. */
  comes(now: number): boolean
  /** Whether it waits for nothing but its turn. */
  readonly isReady: boolean
}

/** @internal Two directions that draw on one bucket take turns, of as many quanta as each has takers. */
export class Alternation {
  readonly #parties: readonly [Party, Party]
  #credits: readonly Credit[]

  constructor(up: Party, down: Party, credits: readonly Credit[]) {
    this.#parties = [up, down]
    this.#credits = credits
  }

  /** From now on they share `credits`. */
  restart(credits: readonly Credit[]): void {
    this.#credits = credits
    for (const party of this.#parties) party.deficit = 0
  }

  /** Whether it is not the other's turn. */
  mayGo(party: Party, now: number): boolean {
    const other = this.#other(party)
    return !this.#isBusy || party.deficit >= 1 || other.deficit < 1 || !other.comes(now)
  }

  /** Whether the other may take its turn now that this one waits for something else. */
  passes(party: Party): boolean {
    return this.#isBusy && this.#other(party).isReady
  }

  /**
   * Bytes that may go one way before it is the other's turn.
   * @param asking - takers of this party that are neither waiting nor away
   */
  allowance(party: Party, now: number, asking = 0): number {
    if (!this.#isBusy) return Infinity
    if (!this.mayGo(party, now)) return 0
    const other = this.#other(party)
    const size = party.size + asking
    const quantum = quantumOf(this.#credits, size + other.size)
    if (party.deficit < 1) {
      party.deficit = quantum * size
      other.deficit = quantum * other.size
    }
    return Math.min(party.deficit, quantum * size)
  }

  get #isBusy(): boolean {
    return this.#credits.some((credit) => credit.busy)
  }

  #other(party: Party): Party {
    const [up, down] = this.#parties
    return party === up ? down : up
  }
}
