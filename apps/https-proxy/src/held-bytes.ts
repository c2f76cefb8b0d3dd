import { ServiceError } from '@sluice/service'

/** Nobody knows when there will be room. */
const RETRY_MS = 1000

/** What may be in memory as a whole at a time: requests in frames or in JSON, and answers to them on their way. */
export class HeldBytes {
  max: number
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
      const why = 'requests and answers take all the memory that they may'
      throw new ServiceError('OVERLOADED', why, { retryMs: RETRY_MS })
    }
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** The part of one connection, or of one request. */
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
