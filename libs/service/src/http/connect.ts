import type { Conn } from '@sluice/net'
import { refuse } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Account } from '../account.ts'
import type { ErrorCode } from '../errors.ts'
import type { Request } from '../request.ts'
import { answerFor, REQUEST_ID } from './answer.ts'
import type { ForwardSettings } from './forward/settings.ts'

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n'

/** Where a CONNECT wants to go, and the bytes that its head took. */
export interface ConnectHead {
  readonly target: Address
  readonly size: number
}

/** A tunnel that was asked for with HTTP CONNECT (RFC 9110 §9.3.6). */
export class ConnectRequest implements Request {
  readonly protocol = 'connect'
  readonly account: Account
  readonly target: Address
  readonly id: string | undefined
  readonly enter: Request['enter']
  readonly #conn: Conn

  constructor(
    conn: Conn,
    account: Account,
    { target, size }: ConnectHead,
    { enter, requestId }: Pick<ForwardSettings, 'enter' | 'requestId'>,
  ) {
    this.#conn = conn
    this.account = account
    this.target = target
    this.id = requestId?.()
    this.enter = enter && ((caller, signal): Promise<Disposable> => enter(caller, size, signal))
  }

  accept(): Conn {
    const name = this.id === undefined ? '' : `${REQUEST_ID}: ${this.id}\r\n`
    this.#conn.write(Buffer.from(`${ESTABLISHED}${name}\r\n`))
    return this.#conn
  }

  reject(code: ErrorCode, retryMs?: number): Promise<void> {
    return refuse(this.#conn, answerFor(code, { retryMs, id: this.id }))
  }
}
