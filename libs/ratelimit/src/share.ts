import { type Direction, type OnGrant, ShapedFlow } from './shaped-flow.ts'
import { checkLimits, type ShareLimits } from './share-credits.ts'
import { ShareSides } from './share-sides.ts'
import type { Shaper } from './shaper.ts'

/** One user's part of the shaper: their buckets, and their flows. */
export class Share {
  readonly #shaper: Shaper
  #limits: ShareLimits
  /** Made for the first flow: of thousands of users most are not here, and a bucket fills from its first use on anyway. */
  #sides: ShareSides | undefined = undefined

  /** @internal */
  constructor(shaper: Shaper, limits: ShareLimits) {
    checkLimits(limits)
    this.#shaper = shaper
    this.#limits = limits
  }

  /** How many flows wait, both ways together. */
  get waiting(): number {
    return this.#sides?.waiting ?? 0
  }

  /** Whether a flow this way can ever have to wait; where it cannot, a lane needs no flow at all. */
  limited(direction: Direction): boolean {
    const { credits: node } = this.#shaper
    const own = this.#limits
    return (own[direction] ?? own.total ?? node[direction] ?? node.total) !== undefined
  }

  /**
   * Changes the limits of running and coming flows at once. Credit in a bucket that stays is kept.
   * @throws RangeError for a rate or burst that is negative or not finite, or a weight that is not above 0; nothing
   * is changed then
   */
  set(limits: ShareLimits): void {
    checkLimits(limits)
    this.#limits = limits
    this.#sides?.set(limits)
  }

  /** A new flow; `onGrant` is told what a `take` of it that had to wait may have. */
  flow(direction: Direction, onGrant: OnGrant): ShapedFlow {
    this.#sides ??= new ShareSides(this.#shaper, this.#limits)
    return new ShapedFlow(this.#sides.of(direction), onGrant)
  }

  /** @internal Takes seats in the shaper's present lines. */
  sit(): void {
    this.#sides?.sit()
  }

  /** @internal Leaves its seats, whoever waits. */
  stand(): void {
    this.#sides?.stand()
  }
}
