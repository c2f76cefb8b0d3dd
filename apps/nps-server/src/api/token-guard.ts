import { hashToken } from '../api-tokens.ts'
import { totpStep } from '../totp.ts'
import type { AddressGuard } from './address-guard.ts'
import { ApiError } from './api-error.ts'
import type { TokenRecord, TokenScope } from '../store/token-table.ts'
import type { Kept } from './managing.ts'
import type { SessionProof, Sessions } from './sessions.ts'

const BEARER = /^bearer +([A-Za-z0-9_-]{16,256})$/i

/** What a request shows of who it is from. */
export interface Shown {
  /** The header Authorization (RFC 6750 §2.1). */
  readonly authorization: string | undefined
  /** Sluice-Code: what the app shows now. */
  readonly code: string | undefined
  /** The cookie and Sluice-Session; '' where they are not there. */
  readonly proof: SessionProof
  readonly ip: string
}

export interface Admitted {
  readonly token: TokenRecord
  /** By which it came, where it did not bring the token. */
  readonly session: SessionProof | undefined
}

export interface TokenGuardOptions {
  readonly tokens: Pick<Kept['tokens'], 'byHash' | 'byId' | 'totpSecret' | 'useTotpStep'>
  readonly sessions: Pick<Sessions, 'use'>
  readonly guard: AddressGuard
  /** Wall clock, ms. @default Date.now */
  readonly now?: () => number
}

/** Lets in who shows a token, and its code where it has any, or a session; and slows down who guesses. */
export class TokenGuard {
  readonly #options: TokenGuardOptions

  constructor(options: TokenGuardOptions) {
    this.#options = options
  }

  /**
   * Nobody can guess 256 bits, so who has the right token never waits for those who try from the same address; of a code, which
   * can be guessed, everybody has to wait who comes by its token.
   * @param scope undefined: any
   * @throws ApiError AUTH_REQUIRED, CODE_REQUIRED, AUTH_FAILED, SCOPE_DENIED; ServiceError AUTH_LIMIT, AUTH_USER_LIMIT
   */
  admit(shown: Shown, scope: TokenScope | undefined): Admitted {
    const { authorization, proof } = shown
    const session = authorization === undefined && proof.key !== '' ? proof : undefined
    const token = session === undefined ? this.#byToken(shown) : this.#bySession(session)
    if (scope !== undefined && !token.scopes.includes(scope))
      throw new ApiError('SCOPE_DENIED', `the token is not one to ${scope} with`)
    return { token, session }
  }

  #bySession(proof: SessionProof): TokenRecord {
    const { sessions, tokens } = this.#options
    const id = sessions.use(proof)
    const token = id === undefined ? undefined : tokens.byId(id)
    if (token === undefined) throw new ApiError('AUTH_REQUIRED', 'the session is over')
    return token
  }

  #byToken({ authorization, code, ip }: Shown): TokenRecord {
    if (authorization === undefined)
      throw new ApiError('AUTH_REQUIRED', 'wanted Authorization: Bearer, and a token')
    const { tokens, guard } = this.#options
    const [, shown = ''] = BEARER.exec(authorization) ?? []
    const token = tokens.byHash(hashToken(shown))
    if (token === undefined) {
      guard.check(ip)
      guard.failed(ip)
      throw new ApiError('AUTH_FAILED', 'there is no such token')
    }
    if (token.totp === true) this.#checkCode(token, code, ip)
    guard.passed(ip)
    return token
  }

  #checkCode({ id }: TokenRecord, code: string | undefined, ip: string): void {
    if (code === undefined) throw new ApiError('CODE_REQUIRED', 'wanted Sluice-Code, and the code of its app')
    const { tokens, guard, now = Date.now } = this.#options
    const name = `token:${id}`
    guard.check(ip, name)
    const secret = tokens.totpSecret(id)
    const step = secret && totpStep(secret, code, now())
    if (step !== undefined && tokens.useTotpStep(id, step)) return
    guard.failed(ip, name)
    throw new ApiError('AUTH_FAILED', 'the code is wrong, over, or was used before')
  }
}
