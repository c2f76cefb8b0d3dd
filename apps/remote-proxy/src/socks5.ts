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
  COMMAND,
  decodeGreeting,
  decodeRequest,
  decodeUserPass,
  encodeMethod,
  encodeReply,
  encodeUserPassStatus,
  METHOD,
} from '@sluice/wire'

/** BND.ADDR and BND.PORT where there is none to tell (RFC 1928 §6 wants some). */
const NOWHERE: Address = { host: '0.0.0.0', port: 0 }
const FAILED = 1

/** Throws `error` after the client has been sent `words`. */
const refused = async (conn: Conn, words: Uint8Array, error: unknown): Promise<never> => {
  await refuse(conn, words)
  throw error
}

/**
 * SOCKS5 with user name and password (RFC 1928, 1929), CONNECT only.
 * @param known whom the `sumbit:` line has signed in already, or why it could not
 */
export const socks5 = async (
  reader: Reader,
  directory: Directory,
  known: Account | ServiceError | undefined,
): Promise<Request> => {
  const { methods } = await reader.read(decodeGreeting)
  const account = await agree(reader, directory, methods, known)
  try {
    const { command, address } = await reader.read(decodeRequest)
    if (command !== COMMAND.CONNECT) throw new ServiceError('COMMAND_UNSUPPORTED')
    if (address.port === 0) throw new ServiceError('HANDSHAKE_INVALID', 'port 0')
    return new Socks5Request(reader.conn, account, address)
  } catch (error) {
    return refused(reader.conn, replyFor(codeOf(error)), error)
  }
}

/** Settles the method and who it is. */
const agree = async (
  reader: Reader,
  directory: Directory,
  methods: Uint8Array,
  known: Account | ServiceError | undefined,
): Promise<Account> => {
  const { conn } = reader
  const nobody = encodeMethod(METHOD.NO_ACCEPTABLE)
  if (known instanceof ServiceError) return refused(conn, nobody, known)
  if (known !== undefined && methods.includes(METHOD.NONE)) {
    conn.write(encodeMethod(METHOD.NONE))
    return known
  }
  if (!methods.includes(METHOD.USER_PASS)) return refused(conn, nobody, new ServiceError('AUTH_REQUIRED'))
  conn.write(encodeMethod(METHOD.USER_PASS))
  try {
    const { username, password } = await reader.read(decodeUserPass)
    const signingIn = directory.signIn(username, password)
    const account = signingIn instanceof Promise ? await signingIn : signingIn
    conn.write(encodeUserPassStatus(0))
    return account
  } catch (error) {
    return refused(conn, encodeUserPassStatus(FAILED), error)
  }
}

const replyFor = (code: ErrorCode): Uint8Array => encodeReply(OUTCOMES[code].socks5, NOWHERE)

class Socks5Request implements Request {
  readonly account: Account
  readonly target: Address
  readonly #conn: Conn

  constructor(conn: Conn, account: Account, target: Address) {
    this.#conn = conn
    this.account = account
    this.target = target
  }

  accept(bound: Address): Conn {
    this.#conn.write(encodeReply(OUTCOMES.OK.socks5, bound))
    return this.#conn
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, replyFor(code))
  }
}
