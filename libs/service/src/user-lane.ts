import type { Flow } from '@sluice/metrics'
import type { Lane, Limiter } from '@sluice/net'
import type { Share, ShapedFlow } from '@sluice/ratelimit'
import type { Account } from './account.ts'
import { ShareChain } from './share-chain.ts'

const ignore = (): void => {}
const NO_LEVELS: readonly Account[] = []
const NOTHING: Beyond = {}

/** What limits and counts a session besides its user. */
export interface Beyond {
  /** What the user has of the node's limits, where the account's share is not under them. */
  readonly node?: Share | undefined
  /** See {@link Levels}. */
  readonly levels?: readonly Account[]
}

/** One direction of a session: limited by the user's share and quota, counted for the session and for the user. */
export class UserLane implements Lane, Limiter {
  limiter: Limiter | undefined = undefined
  onGrant: (bytes: number) => void = ignore
  readonly #direction: 'up' | 'down'
  readonly #account: Account
  readonly #flow: Flow
  readonly #node: Share | undefined
  readonly #levels: readonly Account[]
  #shaped: Pick<ShapedFlow, 'take' | 'close'> | undefined = undefined

  constructor(
    direction: 'up' | 'down',
    account: Account,
    flow: Flow,
    { node, levels = NO_LEVELS }: Beyond = NOTHING,
  ) {
    this.#direction = direction
    this.#account = account
    this.#flow = flow
    this.#node = node
    this.#levels = levels
    this.relimit()
  }

  /** An unlimited lane has no limiter at all; one that has been limited keeps it, whatever the limits become. */
  relimit(): void {
    if (this.limiter !== undefined || !this.#isLimited) return
    const direction = this.#direction
    const onGrant = (bytes: number): void => this.#granted(bytes)
    const shares = [this.#account.share]
    if (this.#node !== undefined) shares.push(this.#node)
    for (const { share } of this.#levels) shares.push(share)
    this.#shaped =
      shares.length === 1
        ? this.#account.share.flow(direction, onGrant)
        : new ShareChain(shares, direction, onGrant)
    this.limiter = this
  }

  take(bytes: number): number {
    const most = this.#leftOf(bytes)
    // None left: an account is about to cut this session.
    return most <= 0 ? 0 : this.#shaped!.take(most)
  }

  count(bytes: number): void {
    this.countHere(bytes)
    this.#account.count(this.#direction, bytes)
    for (const level of this.#levels) level.count(this.#direction, bytes)
  }

  /** Counts for the session alone: its user is told of these bytes by another. */
  countHere(bytes: number): void {
    if (this.#direction === 'up') this.#flow.up += bytes
    else this.#flow.down += bytes
  }

  close(): void {
    this.#shaped?.close()
  }

  get #isLimited(): boolean {
    const { share, quota } = this.#account
    const direction = this.#direction
    if (share.limited(direction) || quota.remaining !== Infinity) return true
    if (this.#node?.limited(direction) === true) return true
    return this.#levels.some((level) => level.share.limited(direction) || level.quota.remaining !== Infinity)
  }

  /** Others may have used up a quota since this was asked for. */
  #granted(bytes: number): void {
    const most = this.#leftOf(bytes)
    if (most > 0) this.onGrant(most)
  }

  #leftOf(bytes: number): number {
    let most = Math.min(bytes, this.#account.quota.remaining)
    for (const { quota } of this.#levels) most = Math.min(most, quota.remaining)
    return most
  }
}

/** Both directions of a session, or of a stream of one. */
export interface UserLanes {
  readonly up: UserLane
  readonly down: UserLane
}

export const userLanes = (account: Account, flow: Flow, beyond?: Beyond): UserLanes => ({
  up: new UserLane('up', account, flow, beyond),
  down: new UserLane('down', account, flow, beyond),
})

/** Lanes that were opened besides those of their session. */
export interface OwnLanes extends UserLanes {
  /** They take no turns any more. To be called once nothing is to pass. */
  close(): void
}

/** All lanes of one session: two, unless it carries several streams at once. */
export class SessionLanes implements UserLanes {
  readonly up: UserLane
  readonly down: UserLane
  readonly #account: Account
  readonly #flow: Flow
  readonly #beyond: Beyond | undefined
  #opened: Set<OwnLanes> | undefined = undefined

  constructor(account: Account, flow: Flow, beyond?: Beyond) {
    this.#account = account
    this.#flow = flow
    this.#beyond = beyond
    this.up = new UserLane('up', account, flow, beyond)
    this.down = new UserLane('down', account, flow, beyond)
  }

  /** Two more, that take turns with all others of the account. */
  open(account: Account = this.#account, beyond: Beyond | undefined = this.#beyond): OwnLanes {
    const opened = (this.#opened ??= new Set())
    const lanes = {
      ...userLanes(account, this.#flow, beyond),
      close: (): void => {
        opened.delete(lanes)
        lanes.up.close()
        lanes.down.close()
      },
    }
    opened.add(lanes)
    return lanes
  }

  relimit(): void {
    for (const { up, down } of [this, ...(this.#opened ?? [])]) {
      up.relimit()
      down.relimit()
    }
  }

  close(): void {
    this.up.close()
    this.down.close()
    for (const lanes of [...(this.#opened ?? [])]) lanes.close()
  }
}
