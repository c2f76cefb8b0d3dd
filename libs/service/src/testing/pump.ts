import { Flow } from '@sluice/metrics'
import type { Account, Held } from '../account.ts'
import type { ErrorCode } from '../errors.ts'
import { UserLane } from '../user-lane.ts'

/** A session with one busy direction: what a relay does with a lane, whose source always has `chunk` bytes more. */
export class Pump implements Held {
  readonly kind = 'connection'
  readonly ip: string = '192.0.2.1'
  readonly lane: UserLane
  readonly chunk: number
  moved = 0
  code: ErrorCode | undefined = undefined
  readonly #account: Account

  constructor(account: Account, direction: 'up' | 'down', chunk: number) {
    this.chunk = chunk
    this.#account = account
    account.enter(this, 0)
    this.lane = new UserLane(direction, account, new Flow())
    this.lane.onGrant = (bytes): void => {
      this.#put(bytes)
      this.go()
    }
  }

  /** Moves all that the limiter lets go now; one chunk where there is none. */
  go(): void {
    const { limiter } = this.lane
    if (limiter === undefined) return this.#put(this.chunk)
    while (this.code === undefined) {
      const bytes = limiter.take(this.chunk)
      if (bytes === 0) return
      this.#put(bytes)
    }
  }

  cut(code: ErrorCode): void {
    this.code ??= code
  }

  relimit(): void {
    this.lane.relimit()
  }

  end(): void {
    this.lane.close()
    this.#account.leave(this)
  }

  #put(bytes: number): void {
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > this.chunk) throw new Error(`granted ${bytes}`)
    this.moved += bytes
    this.lane.count(bytes)
  }
}
