import type { Lane, Limiter } from '@sluice/net'
import { LimiterChain, type Share, ShareStage } from '@sluice/ratelimit'
import type { Account } from './account.ts'
import type { UserLane, UserLanes } from './user-lane.ts'

/** One of the two sessions of a circuit. */
export interface CircuitEnd {
  readonly account: Account
  readonly lanes: UserLanes
}

/**
 * One direction of a circuit, whose payload is that of two sessions: what both users and all `more` shares let go, counted
 * for both sessions and both users, or once for the one user of both. `up` is source → destination for all of them. A
 * spent quota of either lets nothing more go, and its account cuts its session: whoever serves the other one has to end
 * it too.
 */
export class CircuitLane implements Lane, Limiter {
  onGrant: (bytes: number) => void = () => {}
  readonly #accounts: readonly Account[]
  readonly #source: UserLane
  readonly #destination: UserLane
  readonly #isOfOne: boolean
  readonly #shares: readonly ShareStage[]
  readonly #chain: LimiterChain

  /** @param more - what limits the circuit besides its users, such as the node */
  constructor(
    direction: 'up' | 'down',
    source: CircuitEnd,
    destination: CircuitEnd,
    more: readonly Share[] = [],
  ) {
    this.#isOfOne = source.account === destination.account
    this.#source = source.lanes[direction]
    this.#destination = destination.lanes[direction]
    this.#shares = more.map((share) => new ShareStage(share, direction))
    const [users, accounts] = this.#isOfOne
      ? [[this.#source], [source.account]]
      : [
          [this.#source, this.#destination],
          [source.account, destination.account],
        ]
    this.#accounts = accounts
    this.#chain = new LimiterChain([...users, ...this.#shares])
    const onGrant = (bytes: number): void => this.#granted(bytes)
    this.#chain.onGrant = onGrant
  }

  /** None while nobody limits it. */
  get limiter(): Limiter | undefined {
    return this.#chain.limited ? this : undefined
  }

  take(bytes: number): number {
    const most = this.#leftOf(bytes)
    // None left: an account is about to cut its session.
    return most <= 0 ? 0 : this.#chain.take(most)
  }

  count(bytes: number): void {
    this.#source.count(bytes)
    if (this.#isOfOne) this.#destination.countHere(bytes)
    else this.#destination.count(bytes)
  }

  /** With the circuit; the lanes of the sessions are closed with these. */
  close(): void {
    for (const stage of this.#shares) stage.close()
  }

  /** Others may have used up a quota since a stage let this go. */
  #granted(bytes: number): void {
    const most = this.#leftOf(bytes)
    if (most > 0) this.onGrant(most)
  }

  #leftOf(bytes: number): number {
    let most = bytes
    for (const { quota } of this.#accounts) most = Math.min(most, quota.remaining)
    return most
  }
}

/** Both directions of a circuit. */
export interface CircuitLanes {
  readonly up: CircuitLane
  readonly down: CircuitLane
}

/** @param more - what limits the circuit besides its users: the node's share of the source's user, and its own */
export const circuitLanes = (
  source: CircuitEnd,
  destination: CircuitEnd,
  more: readonly Share[] = [],
): CircuitLanes => ({
  up: new CircuitLane('up', source, destination, more),
  down: new CircuitLane('down', source, destination, more),
})
