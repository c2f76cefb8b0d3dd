import { type Conn, refuse } from '@sluice/net'
import type { ForwardedRequest } from '@sluice/wire'
import type { Account } from '../../account.ts'
import type { ErrorCode } from '../../errors.ts'
import type { ServedRequest, Serving } from '../../request.ts'
import { answerFor } from '../answer.ts'
import type { ClientLogin } from './client-login.ts'
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
  /** Of the answer to a client that may not come in; each request that is forwarded has its own. */
  id: string | undefined = undefined
  readonly #conn: Conn
  readonly #first: FirstRequest
  readonly #login: ClientLogin | undefined
  readonly #settings: ForwardSettings

  /** @param login what each request has to bring; undefined: whatever it likes */
  constructor(
    conn: Conn,
    account: Account,
    first: FirstRequest,
    login: ClientLogin | undefined,
    settings: ForwardSettings,
  ) {
    this.#conn = conn
    this.account = account
    this.#first = first
    this.#login = login
    this.#settings = settings
  }

  reject(code: ErrorCode, retryMs?: number): Promise<void> {
    this.id = this.#settings.requestId?.()
    const headOnly = this.#first.request.method === 'HEAD'
    return refuse(this.#conn, answerFor(code, { headOnly, retryMs, id: this.id }))
  }

  serve(session: Serving): Promise<void> {
    return new ForwardClient(session, this.#login, this.#settings).run(this.#first.request, this.#first.size)
  }
}
