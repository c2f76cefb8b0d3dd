import { type Log, type SignInGuard } from '@sluice/service'

/** A name that no user has: failures are counted by address alone. */
const NOBODY = ''

/** Slows down who guesses tokens and keys, by address; and codes, by whose they are, too. */
export class AddressGuard {
  readonly #guard: SignInGuard
  readonly #log: Pick<Log, 'warn'>

  constructor(guard: SignInGuard, log: Pick<Log, 'warn'>) {
    this.#guard = guard
    this.#log = log
  }

  /** @param name such as `token:1` @throws ServiceError AUTH_LIMIT, AUTH_USER_LIMIT */
  check(ip: string, name: string = NOBODY): void {
    this.#guard.check(ip, name, name === NOBODY)
  }

  failed(ip: string, name: string = NOBODY): void {
    this.#guard.failed(ip, name)
    this.#log.warn({ client: ip, ...(name !== NOBODY && { by: name }) }, 'web.denied')
  }

  passed(ip: string): void {
    this.#guard.passed(ip)
  }
}
