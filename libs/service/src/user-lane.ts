import type { Flow } from '@sluice/metrics'
import type { Lane, Limiter } from '@sluice/net'
import type { ShapedFlow } from '@sluice/ratelimit'
import type { Account } from './account.ts'

const ignore = (): void => {}

/** One direction of a session: limited by the user's share and quota, counted for the session and for the user. */
export class UserLane implements Lane, Limiter {
  limiter: Limiter | undefined = undefined
  onGrant: (bytes: number) => void = ignore
  readonly #direction: 'up' | 'down'
  readonly #account: Account
  readonly #flow: Flow
  #shaped: ShapedFlow | undefined = undefined

  constructor(direction: 'up' | 'down', account: Account, flow: Flow) {
    this.#direction = direction
    this.#account = account
    this.#flow = flow
    this.relimit()
  }

  /** An unlimited lane has no limiter at all; one that has been limited keeps it, whatever the limits become. */
  relimit(): void {
    const { share, quota } = this.#account
    if (this.limiter !== undefined) return
    if (!share.limited(this.#direction) && quota.remaining === Infinity) return
    this.#shaped = share.flow(this.#direction, (bytes) => this.#granted(bytes))
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

/** Those of one session. */
export interface UserLanes {
  readonly up: UserLane
  readonly down: UserLane
}

export const userLanes = (account: Account, flow: Flow): UserLanes => ({
  up: new UserLane('up', account, flow),
  down: new UserLane('down', account, flow),
})
