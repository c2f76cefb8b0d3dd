import type { Direction, ShapedFlow } from './shaped-flow.ts'
import type { Share } from './share.ts'

/** One of several limiters that the same bytes pass, one after the other. */
export interface Stage {
  /** None while nothing limits it; may come while bytes pass, and then stays. */
  readonly limiter: { take(bytes: number): number } | undefined
  /** For the limiter to call: so many of what a `take` had to wait for may go now. */
  onGrant: (bytes: number) => void
}

/** A stage that a share of a shaper limits, from the moment when it does. Close it with the conn. */
export class ShareStage implements Stage {
  onGrant: (bytes: number) => void = () => {}
  readonly #share: Share
  readonly #direction: Direction
  #flow: ShapedFlow | undefined = undefined

  constructor(share: Share, direction: Direction) {
    this.#share = share
    this.#direction = direction
  }

  get limiter(): ShapedFlow | undefined {
    if (this.#flow === undefined && this.#share.limited(this.#direction)) {
      this.#flow = this.#share.flow(this.#direction, (bytes) => this.onGrant(bytes))
    }
    return this.#flow
  }

  close(): void {
    this.#flow?.close()
  }
}
