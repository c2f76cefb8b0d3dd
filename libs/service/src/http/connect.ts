import type { Conn } from '@sluice/net'
import { refuse } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Account } from '../account.ts'
import type { ErrorCode } from '../errors.ts'
import type { Request } from '../request.ts'
import { answerFor } from './answer.ts'

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')

/** A tunnel that was asked for with HTTP CONNECT (RFC 9110 §9.3.6). */
export class ConnectRequest implements Request {
  readonly protocol = 'connect'
  readonly account: Account
  readonly target: Address
  readonly #conn: Conn

  constructor(conn: Conn, account: Account, target: Address) {
    this.#conn = conn
    this.account = account
    this.target = target
  }

  accept(): Conn {
    this.#conn.write(ESTABLISHED)
    return this.#conn
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, answerFor(code))
  }
}
