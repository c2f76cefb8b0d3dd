import type { Flow } from '@sluice/metrics'
import type { Lane, Limiter } from '@sluice/net'
import type { Share, ShapedFlow } from '@sluice/ratelimit'
import type { Account } from './account.ts'
import { UserOfNode } from './user-of-node.ts'

const ignore = (): void => {}

/** One direction of a session: limited by the user's share and quota, counted for the session and for the user. */
export class UserLane implements Lane, Limiter {
  limiter: Limiter | undefined = undefined
  onGrant: (bytes: number) => void = ignore
  readonly #direction: 'up' | 'down'
  readonly #account: Account
  readonly #flow: Flow
  readonly #node: Share | undefined
  #shaped: Pick<ShapedFlow, 'take' | 'close'> | undefined = undefined

  /** @param node what the user has of the node's limits, where the account's share is not under them */
  constructor(direction: 'up' | 'down', account: Account, flow: Flow, node?: Share) {
    this.#direction = direction
    this.#account = account
    this.#flow = flow
    this.#node = node
    this.relimit()
  }

  /** An unlimited lane has no limiter at all; one that has been limited keeps it, whatever the limits become. */
  relimit(): void {
    const { share, quota } = this.#account
    if (this.limiter !== undefined) return
    const isLimited = share.limited(this.#direction) || this.#node?.limited(this.#direction) === true
    if (!isLimited && quota.remaining === Infinity) return
    const onGrant = (bytes: number): void => this.#granted(bytes)
    this.#shaped =
      this.#node === undefined
        ? share.flow(this.#direction, onGrant)
        : new UserOfNode(share, this.#node, this.#direction, onGrant)
    this.limiter = this
  }

  take(bytes: number): number {
    const most = Math.min(bytes, this.#account.quota.remaining)
    // None left: the account is about to cut this session.
    return most <= 0 ? 0 : this.#shaped!.take(most)
  }

  count(bytes: number): void {
    this.countHere(bytes)
    this.#account.count(this.#direction, bytes)
  }

  /** Counts for the session alone: its user is told of these bytes by another. */
  countHere(bytes: number): void {
    if (this.#direction === 'up') this.#flow.up += bytes
    else this.#flow.down += bytes
  }

  close(): void {
    this.#shaped?.close()
  }

  /** Others may have used up the quota since this was asked for. */
  #granted(bytes: number): void {
    const most = Math.min(bytes, this.#account.quota.remaining)
    if (most > 0) this.onGrant(most)
  }
}

/** Both directions of a session, or of a stream of one. */
export interface UserLanes {
  readonly up: UserLane
  readonly down: UserLane
}

/** @param node what the user has of the node's limits, where the account's share is not under them */
export const userLanes = (account: Account, flow: Flow, node?: Share): UserLanes => ({
  up: new UserLane('up', account, flow, node),
  down: new UserLane('down', account, flow, node),
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
  readonly #node: Share | undefined
  #opened: Set<OwnLanes> | undefined = undefined

  /** @param node what the user has of the node's limits, where the account's share is not under them */
  constructor(account: Account, flow: Flow, node?: Share) {
    this.#account = account
    this.#flow = flow
    this.#node = node
    this.up = new UserLane('up', account, flow, node)
    this.down = new UserLane('down', account, flow, node)
  }

  /** Two more, that take turns with all others of the user. */
  open(): OwnLanes {
    const opened = (this.#opened ??= new Set())
    const lanes = {
      ...userLanes(this.#account, this.#flow, this.#node),
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
