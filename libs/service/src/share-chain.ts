import { type Direction, LimiterChain, type OnGrant, type Share, ShareStage } from '@sluice/ratelimit'

/** Several shares that the same bytes need, such as that of a user and what the node lets go: all hold, each is asked once. */
export class ShareChain {
  readonly #stages: readonly ShareStage[]
  readonly #chain: LimiterChain

  constructor(shares: readonly Share[], direction: Direction, onGrant: OnGrant) {
    this.#stages = shares.map((share) => new ShareStage(share, direction))
    this.#chain = new LimiterChain(this.#stages)
    this.#chain.onGrant = onGrant
  }

  take(bytes: number): number {
    return this.#chain.take(bytes)
  }

  close(): void {
    for (const stage of this.#stages) stage.close()
  }
}
