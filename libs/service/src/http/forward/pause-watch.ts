import { ServiceError } from '../../errors.ts'
import type { ExchangeHost } from './exchange-host.ts'
import type { Timed } from './deadlines.ts'

/** What is looked at. */
export interface Watched {
  readonly up: number
  readonly down: number
  readonly answering: boolean
  readonly hasTarget: boolean
  /** Others need not wait for it any more. */
  leaveTurn(): void
}

type WatchedHost = Pick<ExchangeHost, 'settings' | 'up' | 'down' | 'reader' | 'onFailed'>

/**
 * Looks at a request once in a while that has its turn: a target that has stalled fails it, which takes two looks, and a
 * client that is slow keeps no others waiting.
 */
export class PauseWatch implements Timed {
  deadline: number = Infinity
  readonly #exchange: Watched
  readonly #host: WatchedHost
  readonly #ms: number
  #seen = 0

  constructor(exchange: Watched, host: WatchedHost, ms: number) {
    this.#exchange = exchange
    this.#host = host
    this.#ms = ms
    this.#again()
    host.settings.deadlines.add(this)
  }

  onDeadline(): void {
    const { up, down, reader } = this.#host
    const { hasTarget, answering } = this.#exchange
    const isStill = this.#seen === this.#bytes
    this.#again()
    if (!hasTarget) return
    if (!down.free || (up.free ? !reader.isBodyRead : up.lane.limiter !== undefined))
      this.#exchange.leaveTurn()
    // For the first byte of an answer there is another deadline.
    else if (isStill && (answering || !up.free)) this.#host.onFailed(new ServiceError('RESPONSE_TIMEOUT'))
  }

  end(): void {
    this.#host.settings.deadlines.delete(this)
  }

  get #bytes(): number {
    return this.#exchange.up + this.#exchange.down
  }

  #again(): void {
    this.#seen = this.#bytes
    this.deadline = this.#host.settings.deadlines.now() + this.#ms
  }
}
