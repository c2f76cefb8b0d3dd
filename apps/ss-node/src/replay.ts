import { ServiceError } from '@sluice/service'
import type { SsMethod, SsRequest } from '@sluice/wire/shadowsocks'
import { textOf } from './ss-user.ts'

/** Salts that have been seen. */
export interface Salts {
  /** Whether the salt is new; it is not from then on. @param now monotonic, ms */
  add(salt: Uint8Array, now: number): boolean
}

/** How far the clock of a client may be off (SIP022 §3.1.5), s. */
const MAX_SKEW_S = 30

export interface ReplayGuardOptions {
  /** Forgets none for 60 s. */
  readonly timed: Salts
  /** Of all other methods, whose requests have no time: forgets the oldest when it is full. */
  readonly timeless: Salts
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
  /** @default Date.now */
  readonly wallNow?: () => number
}

/** Refuses requests that have come before. To be asked when a request has turned out to be authentic, or probes would fill it. */
export class ReplayGuard {
  readonly wallNow: () => number
  readonly #now: () => number
  readonly #timed: Salts
  readonly #timeless: Salts

  constructor({ timed, timeless, now, wallNow }: ReplayGuardOptions) {
    this.#now = now ?? ((): number => performance.now())
    this.wallNow = wallNow ?? Date.now
    this.#timed = timed
    this.#timeless = timeless
  }

  /** @throws ServiceError REPLAY, CLOCK_SKEW */
  check({ salt, seconds }: Pick<SsRequest, 'salt' | 'seconds'>): void {
    if (salt.length === 0) return
    const skew = seconds === undefined ? 0 : seconds - Math.floor(this.wallNow() / 1000)
    if (Math.abs(skew) > MAX_SKEW_S) throw new ServiceError('CLOCK_SKEW', `${skew} s off`)
    const filter = seconds === undefined ? this.#timeless : this.#timed
    if (!filter.add(salt, this.#now())) throw new ServiceError('REPLAY')
  }

  /** A salt of ours is on its way out, and must not come in. */
  own({ kind }: SsMethod, salt: Uint8Array): void {
    if (salt.length > 0) (kind === '2022' ? this.#timed : this.#timeless).add(salt, this.#now())
  }
}

/** Forgets nothing. */
export const exactSalts = (): Salts => {
  const seen = new Set<string>()
  return { add: (salt) => seen.size < seen.add(textOf(salt)).size }
}
