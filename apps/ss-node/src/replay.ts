import { randomBytes } from 'node:crypto'
import { ServiceError } from '@sluice/service'
import { RecentSalts, SaltFilter, type SsRequest } from '@sluice/wire/shadowsocks'
import type { SsUser } from './ss-user.ts'

/** How far the clock of a client may be off (SIP022 §3.1.5), s. */
const MAX_SKEW_S = 30

export interface ReplayGuardOptions {
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
  /** @default Date.now */
  readonly wallNow?: () => number
}

/** Refuses requests that have come before. To be asked when a request has turned out to be authentic, or probes would fill it. */
export class ReplayGuard {
  readonly wallNow: () => number
  readonly #now: () => number
  /** Forgets none for a minute. By the hash of the key, which outlives a user who goes and comes again. */
  readonly timed: RecentSalts = new RecentSalts()
  /** Of the methods whose requests have no time, TCP and UDP alike: forgets the oldest when it is full. */
  readonly timeless: SaltFilter = new SaltFilter({ seed: randomBytes(8) })

  constructor({ now, wallNow }: ReplayGuardOptions = {}) {
    this.#now = now ?? ((): number => performance.now())
    this.wallNow = wallNow ?? Date.now
  }

  /** @throws ServiceError REPLAY, CLOCK_SKEW */
  check({ salt, seconds }: Pick<SsRequest, 'salt' | 'seconds'>, user: Pick<SsUser, 'hash'>): void {
    if (salt.length === 0) return
    const skew = seconds === undefined ? 0 : seconds - Math.floor(this.wallNow() / 1000)
    if (Math.abs(skew) > MAX_SKEW_S) throw new ServiceError('CLOCK_SKEW', `${skew} s off`)
    const isNew =
      seconds === undefined ? this.timeless.add(salt) : this.timed.add(salt, this.#now(), user.hash)
    if (!isNew) throw new ServiceError('REPLAY')
  }

  /** A salt of ours is on its way out, and must not come in. */
  own(user: Pick<SsUser, 'method' | 'hash'>, salt: Uint8Array): void {
    if (user.method.kind === '2022') this.timed.add(salt, this.#now(), user.hash)
    else if (salt.length > 0) this.timeless.add(salt)
  }
}
