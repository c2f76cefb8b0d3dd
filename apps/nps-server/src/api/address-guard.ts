import { type Log, type SignInGuard } from '@sluice/service'

/** A name that no user has: failures are counted by address alone. */
const NOBODY = ''

/** Slows down who guesses tokens and keys, by address. */
export class AddressGuard {
  readonly #guard: SignInGuard
  readonly #log: Pick<Log, 'warn'>

  constructor(guard: SignInGuard, log: Pick<Log, 'warn'>) {
    this.#guard = guard
    this.#log = log
  }

  /** @throws ServiceError AUTH_LIMIT */
  check(ip: string): void {
    this.#guard.check(ip, NOBODY, true)
  }

  failed(ip: string): void {
    this.#guard.failed(ip, NOBODY)
    this.#log.warn({ client: ip }, 'web.denied')
  }

  passed(ip: string): void {
    this.#guard.passed(ip)
  }
}
