/** Bytes of payload each way, as `user usage` tells them. */
export interface Bytes {
  up: number
  down: number
}

/** One exchange through the proxy, by who has seen how much of it. */
export interface Moved {
  clientSent: number
  originGot: number
  originSent: number
  clientGot: number
}

/** What may be on its way when an exchange breaks: an eighth of a second at 1 MB/s. */
const ON_ITS_WAY_BYTES = 128 * 1024

/** What the usage of one user has to be. */
export class Tally {
  readonly #least: Bytes = { up: 0, down: 0 }
  readonly #most: Bytes = { up: 0, down: 0 }
  ended = 0
  broken = 0

  /**
   * Adds an exchange that is over. One that ended on both sides as it should counts exactly; of one that broke, what
   * has arrived was certainly let through, and what was never sent was certainly not.
   */
  add({ clientSent, originGot, originSent, clientGot }: Moved, isEnded: boolean): void {
    this.#least.up += originGot
    this.#least.down += clientGot
    this.#most.up += isEnded ? originGot : Math.min(clientSent, originGot + ON_ITS_WAY_BYTES)
    this.#most.down += isEnded ? clientGot : Math.min(originSent, clientGot + ON_ITS_WAY_BYTES)
    if (isEnded) this.ended += 1
    else this.broken += 1
  }

  /** What is wrong with `booked`, undefined where it is as it should be. */
  error(booked: Bytes): string | undefined {
    const wrong = (['up', 'down'] as const).filter(
      (way) => booked[way] < this.#least[way] || booked[way] > this.#most[way],
    )
    const texts = wrong.map((way) => `${way} ${booked[way]} instead of ${this.#text(way)}`)
    return texts.length === 0 ? undefined : texts.join(', ')
  }

  toString(): string {
    return `${this.ended} ended, ${this.broken} broken, up ${this.#text('up')}, down ${this.#text('down')}`
  }

  #text(way: 'up' | 'down'): string {
    const [least, most] = [this.#least[way], this.#most[way]]
    return least === most ? String(least) : `${least} to ${most}`
  }
}
