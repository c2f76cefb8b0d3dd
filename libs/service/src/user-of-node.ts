import { type Direction, LimiterChain, type OnGrant, type Share, ShareStage } from '@sluice/ratelimit'

/** What a user may send and the node lets go, where the two are limited apart: both hold, and each is asked once. */
export class UserOfNode {
  readonly #stages: readonly ShareStage[]
  readonly #chain: LimiterChain

  constructor(user: Share, node: Share, direction: Direction, onGrant: OnGrant) {
    this.#stages = [new ShareStage(user, direction), new ShareStage(node, direction)]
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
