import { type Conn, refuse } from '@sluice/net'
import type { ForwardedRequest } from '@sluice/wire'
import type { Account } from '../../account.ts'
import type { ErrorCode } from '../../errors.ts'
import type { ServedRequest, Serving } from '../../request.ts'
import { answerFor } from '../answer.ts'
import { ForwardClient } from './forward-client.ts'
import type { ForwardSettings } from './settings.ts'

/** A request to be forwarded, and the bytes that its head took. */
export interface FirstRequest {
  readonly request: ForwardedRequest
  readonly size: number
}

/** A connection that brings requests to be forwarded, the first of which has been read. */
export class ForwardRequest implements ServedRequest {
  readonly protocol = 'http'
  readonly account: Account
  /** Each request has one of its own, in its own line of the log. */
  readonly target = undefined
  readonly #conn: Conn
  readonly #first: FirstRequest
  readonly #credentials: string | undefined
  readonly #settings: ForwardSettings

  /** @param credentials the value of Proxy-Authorization that each request has to bring; none where it is undefined */
  constructor(
    conn: Conn,
    account: Account,
    first: FirstRequest,
    credentials: string | undefined,
    settings: ForwardSettings,
  ) {
    this.#conn = conn
    this.account = account
    this.#first = first
    this.#credentials = credentials
    this.#settings = settings
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, answerFor(code, { headOnly: this.#first.request.method === 'HEAD' }))
  }

  serve(session: Serving): Promise<void> {
    return new ForwardClient(session, this.#credentials, this.#settings).run(
      this.#first.request,
      this.#first.size,
    )
  }
}
