import { ServiceError } from '@sluice/service'

/** What all connections of a listener may keep in memory together: their requests, and answers on their way. */
export class HeldBytes {
  readonly max: number
  #bytes = 0

  constructor(max: number) {
    this.max = max
  }

  /** How much is kept now. */
  get bytes(): number {
    return this.#bytes
  }

  /** @throws ServiceError OVERLOADED where there is no room for it */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.max) {
      throw new ServiceError('OVERLOADED', 'requests and answers take all the memory that they may')
    }
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** One connection's part of that. */
export class HeldPart {
  readonly #held: HeldBytes
  #bytes = 0

  constructor(held: HeldBytes) {
    this.#held = held
  }

  /** @throws ServiceError OVERLOADED */
  take(bytes: number): void {
    this.#held.take(bytes)
    this.#bytes += bytes
  }

  clear(): void {
    this.#held.give(this.#bytes)
    this.#bytes = 0
  }
}
