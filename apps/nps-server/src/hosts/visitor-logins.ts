import { createHash, timingSafeEqual } from 'node:crypto'
import { ServiceError, SignInGuard, type SignInLimits } from '@sluice/service'
import { PasswordVerifier } from '@sluice/userstore'
import { basicCredentialsOf, type Credentials, WireError } from '@sluice/wire'
import type { LiveClient } from '../registry.ts'
import type { Login } from '../records.ts'

/** Signs visitors in with the login of a client (RFC 7617), and slows down who guesses it. */
export class VisitorLogins {
  readonly #verifier: PasswordVerifier
  readonly #guard: SignInGuard

  constructor(limits: SignInLimits, verifier: PasswordVerifier = new PasswordVerifier()) {
    this.#verifier = verifier
    this.#guard = new SignInGuard(limits)
  }

  set limits(limits: SignInLimits) {
    this.#guard.set(limits)
  }

  close(): void {
    this.#verifier.close()
  }

  /**
   * Nothing, at once where the password is remembered.
   * @param authorization the values of Authorization
   * @throws ServiceError AUTH_REQUIRED, AUTH_FAILED, AUTH_LIMIT, AUTH_USER_LIMIT, HANDSHAKE_INVALID; StoreError AUTH_BUSY
   */
  check(client: LiveClient, authorization: readonly string[], ip: string): void | Promise<void> {
    const { login } = client.record
    if (login === undefined) return
    const [value, another] = authorization
    if (another !== undefined) throw new ServiceError('HANDSHAKE_INVALID', 'Authorization is repeated')
    const credentials = value === undefined ? undefined : credentialsOf(value)
    if (credentials === undefined) throw new ServiceError('AUTH_REQUIRED')
    const right = this.#isRight(client, login, credentials, ip)
    if (right !== true) return this.#checkLate(client, login, right, ip)
  }

  async #checkLate(
    client: LiveClient,
    login: Login,
    right: false | Promise<boolean>,
    ip: string,
  ): Promise<void> {
    const isRight = await right
    // The login may have been changed while the check ran.
    if (!isRight || client.record.login?.hash !== login.hash) throw new ServiceError('AUTH_FAILED')
    this.#guard.passed(ip)
  }

  #isRight(
    client: LiveClient,
    login: Login,
    { username, password }: Credentials,
    ip: string,
  ): boolean | Promise<boolean> {
    const isName = isSame(username, Buffer.from(login.name))
    // As long for any name, so that waits tell nothing of which is right; and apart from those of other clients.
    const name = `${client.record.id} ${createHash('sha256').update(username).digest('base64url')}`
    const attempt = {
      from: `${ip} ${name}`,
      admit: (): void => this.#guard.check(ip, name, false),
      failed: (): void => this.#guard.failed(ip, name),
    }
    if (isName) return this.#verifier.verify(login.hash, password, attempt)
    return this.#verifier.verifyUnknown(password, attempt)
  }
}

/** In a time that tells nothing of where they differ. */
const isSame = (a: Uint8Array, b: Uint8Array): boolean => {
  const [x, y] = [a, b].map((bytes) => createHash('sha256').update(bytes).digest())
  return timingSafeEqual(x!, y!)
}

const credentialsOf = (value: string): Credentials | undefined => {
  try {
    return basicCredentialsOf(value)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
