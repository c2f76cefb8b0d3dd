import { hashToken } from '../api-tokens.ts'
import type { AddressGuard } from './address-guard.ts'
import { ApiError } from './api-error.ts'
import type { TokenRecord, TokenScope } from '../store/token-table.ts'
import type { Kept } from './managing.ts'

const BEARER = /^bearer +([A-Za-z0-9_-]{16,256})$/i

/** Lets in who shows a token, and slows down who guesses. */
export class TokenGuard {
  readonly #tokens: Pick<Kept['tokens'], 'byHash'>
  readonly #guard: AddressGuard

  constructor(tokens: Pick<Kept['tokens'], 'byHash'>, guard: AddressGuard) {
    this.#tokens = tokens
    this.#guard = guard
  }

  /**
   * Nobody can guess 256 bits, so who has the right token never waits for those who try from the same address.
   * @param header the value of Authorization (RFC 6750 §2.1)
   * @throws ApiError AUTH_REQUIRED, AUTH_FAILED, SCOPE_DENIED; ServiceError AUTH_LIMIT
   */
  admit(header: string | undefined, ip: string, scope: TokenScope): TokenRecord {
    if (header === undefined) throw new ApiError('AUTH_REQUIRED', 'wanted Authorization: Bearer, and a token')
    const [, token = ''] = BEARER.exec(header) ?? []
    const record = this.#tokens.byHash(hashToken(token))
    if (record === undefined) {
      this.#guard.check(ip)
      this.#guard.failed(ip)
      throw new ApiError('AUTH_FAILED', 'there is no such token')
    }
    this.#guard.passed(ip)
    if (!record.scopes.includes(scope))
      throw new ApiError('SCOPE_DENIED', `the token is not one to ${scope} with`)
    return record
  }
}
