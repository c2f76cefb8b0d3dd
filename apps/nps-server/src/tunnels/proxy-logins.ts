import { type Account, type Logins, ServiceError, SignInGuard, type SignInLimits } from '@sluice/service'
import { PasswordVerifier } from '@sluice/userstore'
import type { LiveTunnel } from '../registry.ts'
import { loginsOf } from './tunnel-place.ts'

/** Signs visitors of proxies in, who then are the user of the client; slows down who guesses passwords. */
export class ProxyLogins {
  readonly #ownerOf: (client: LiveTunnel['client']) => Account
  readonly #guard: SignInGuard
  readonly #verifier: PasswordVerifier

  constructor(
    ownerOf: (client: LiveTunnel['client']) => Account,
    limits: SignInLimits,
    verifier: PasswordVerifier = new PasswordVerifier(),
  ) {
    this.#ownerOf = ownerOf
    this.#guard = new SignInGuard(limits)
    this.#verifier = verifier
  }

  set limits(limits: SignInLimits) {
    this.#guard.set(limits)
  }

  /** The logins of a tunnel, as they are at each sign-in. */
  of(tunnel: LiveTunnel): Logins {
    return { signIn: (username, password, ip) => this.#signIn(tunnel, { username, password, ip }) }
  }

  close(): void {
    this.#verifier.close()
  }

  #signIn(tunnel: LiveTunnel, login: Attempted): Account | Promise<Account> {
    const account = this.#ownerOf(tunnel.client)
    const known = loginsOf(tunnel)
    // Who may be anybody may say that they are somebody.
    if (known.length === 0) return account
    const name = Buffer.from(login.username).toString()
    const hash = known.find((each) => each.name === name)?.hash
    const right = this.#isRight(tunnel, name, hash, login)
    if (right === true) return this.#passed(login.ip, account)
    return Promise.resolve(right).then((late) => {
      // The password may have been changed while the check ran.
      const isStill = loginsOf(tunnel).some((each) => each.name === name && each.hash === hash)
      if (!late || !isStill) throw new ServiceError('AUTH_FAILED')
      return this.#passed(login.ip, account)
    })
  }

  #isRight(
    { record, account }: LiveTunnel,
    name: string,
    hash: string | undefined,
    { password, ip }: Attempted,
  ): boolean | Promise<boolean> {
    // Names of one client are not those of another one.
    const whose = `${record.clientId} ${name}`
    const attempt = {
      from: `${ip} ${whose}`,
      admit: (): void => this.#guard.check(ip, whose, account.isAt(ip)),
      failed: (): void => this.#guard.failed(ip, whose),
    }
    return hash === undefined
      ? this.#verifier.verifyUnknown(password, attempt)
      : this.#verifier.verify(hash, password, attempt)
  }

  #passed(ip: string, account: Account): Account {
    this.#guard.passed(ip)
    return account
  }
}

interface Attempted {
  readonly username: Uint8Array
  readonly password: Uint8Array
  readonly ip: string
}
