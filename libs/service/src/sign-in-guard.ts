import { USER_NAME_MAX_BYTES } from '@sluice/userstore'
import { Backoff } from './backoff.ts'
import { clientNetwork } from './client-network.ts'
import { ServiceError } from './errors.ts'

/** How many passwords may be tried. */
export interface SignInLimits {
  /** Failures in a row of one client address before it has to wait; 0: any number. */
  readonly failures: number
  /** The longest wait, ms. */
  readonly backoffMs: number
}

/** A name may be failed from this many addresses for as long as each of them may fail. */
const ADDRESSES_PER_NAME = 10

/**
 * Slows down who guesses passwords: by client address, and by user name where the guesses come from many addresses.
 * Names that are nobody's are counted as any other, so that a wait does not tell whether a user exists.
 */
export class SignInGuard {
  readonly #addresses: Backoff
  readonly #names: Backoff
  #limits!: SignInLimits

  /** @param now monotonic, ms */
  constructor(limits: SignInLimits, now: () => number = () => performance.now()) {
    this.#addresses = new Backoff({ failures: 0, maxMs: 0 }, now)
    this.#names = new Backoff({ failures: 0, maxMs: 0 }, now)
    this.set(limits)
  }

  /** Waits that have begun stay as they are. */
  set(limits: SignInLimits): void {
    const { failures, backoffMs: maxMs } = limits
    this.#limits = limits
    this.#addresses.limits = { failures, maxMs }
    this.#names.limits = { failures: failures * ADDRESSES_PER_NAME, maxMs }
  }

  /**
   * Asked before a password is looked at.
   * @param isAtHome the user is signed in from this address, so guesses elsewhere are no reason to turn them away
   * @throws ServiceError AUTH_LIMIT, AUTH_USER_LIMIT
   */
  check(ip: string, name: string, isAtHome: boolean): void {
    if (this.#limits.failures === 0) return
    const wait = this.#addresses.waitMs(clientNetwork(ip))
    if (wait > 0) throw new ServiceError('AUTH_LIMIT', undefined, { retryMs: wait })
    const nameWait = isAtHome ? 0 : this.#names.waitMs(name)
    if (nameWait > 0) throw new ServiceError('AUTH_USER_LIMIT', undefined, { retryMs: nameWait })
  }

  failed(ip: string, name: string): void {
    const { failures: free } = this.#limits
    if (free === 0) return
    const failures = this.#addresses.failed(clientNetwork(ip))
    // One device with an old password goes on for weeks, and must not lock its owner out elsewhere.
    if (failures <= free && Buffer.byteLength(name) <= USER_NAME_MAX_BYTES) this.#names.failed(name)
  }

  /** Somebody has signed in from this address. */
  passed(ip: string): void {
    if (this.#addresses.size > 0) this.#addresses.forget(clientNetwork(ip))
  }
}
