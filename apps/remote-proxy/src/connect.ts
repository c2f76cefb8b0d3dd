import type { Conn, Reader } from '@sluice/net'
import { refuse } from '@sluice/net'
import {
  type Account,
  codeOf,
  type Directory,
  type ErrorCode,
  OUTCOMES,
  type Request,
  ServiceError,
} from '@sluice/service'
import {
  type Address,
  basicCredentials,
  connectTarget,
  createRequestHeadDecoder,
  encodeResponseHead,
  type RequestHead,
} from '@sluice/wire'
import { STATUS_CODES } from 'node:http'

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')

/** HTTP CONNECT (RFC 9110 §9.3.6) with Basic credentials (RFC 7617). */
export const connect = async (
  reader: Reader,
  directory: Directory,
  known: Account | ServiceError | undefined,
): Promise<Request> => {
  try {
    const head = await reader.read(createRequestHeadDecoder())
    if (head.method !== 'CONNECT') throw new ServiceError('METHOD_UNSUPPORTED', `method ${head.method}`)
    const target = connectTarget(head)
    if (known instanceof ServiceError) throw known
    return new ConnectRequest(reader.conn, known ?? (await signIn(head, directory)), target)
  } catch (error) {
    await refuse(reader.conn, answerFor(codeOf(error)))
    throw error
  }
}

const signIn = (head: RequestHead, directory: Directory): Account | Promise<Account> => {
  const credentials = basicCredentials(head)
  if (credentials === undefined) throw new ServiceError('AUTH_REQUIRED')
  return directory.signIn(credentials.username, credentials.password)
}

/** The answer names the code, and the limit where one was reached. */
const answerFor = (code: ErrorCode): Uint8Array => {
  const { http, text, limit } = OUTCOMES[code]
  const body = Buffer.from(`${code}: ${text}\n`)
  const fields: [string, string][] = [
    ['Sluice-Code', code],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['Connection', 'close'],
  ]
  if (limit !== undefined) fields.push(['Sluice-Limit', limit])
  if (http === 407) fields.push(['Proxy-Authenticate', 'Basic realm="Sluice", charset="UTF-8"'])
  if (http === 405) fields.push(['Allow', 'CONNECT'])
  const head = encodeResponseHead({ version: '1.1', status: http, reason: STATUS_CODES[http] ?? '', fields })
  return Buffer.concat([head, body])
}

class ConnectRequest implements Request {
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
