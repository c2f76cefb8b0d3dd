import type { Conn, Reader } from '@sluice/net'
import { refuse } from '@sluice/net'
import {
  type Address,
  decodeGreeting,
  decodeRequest,
  decodeUserPass,
  encodeMethod,
  encodeReply,
  encodeUserPassStatus,
  METHOD,
} from '@sluice/wire'
import type { Account } from '../account.ts'
import { codeOf, OUTCOMES, ServiceError } from '../errors.ts'
import type { Request, ServedRequest } from '../request.ts'
import { type Logins, signIn } from '../sign-in.ts'
import { type SocksCommands, socksRequest, type SocksWords } from './socks-request.ts'

/** BND.ADDR and BND.PORT where there is none to tell (RFC 1928 §6 wants some). */
const NOWHERE: Address = { host: '0.0.0.0', port: 0 }
const FAILED = 1

const WORDS: SocksWords = {
  protocol: 'socks5',
  accepted: (bound) => encodeReply(OUTCOMES.OK.socks5, bound),
  refused: (code) => encodeReply(OUTCOMES[code].socks5, NOWHERE),
}

/** Throws `error` after the client has been sent `words`. */
const refused = async (conn: Conn, words: Uint8Array, error: unknown): Promise<never> => {
  await refuse(conn, words)
  throw error
}

/**
 * SOCKS5 with user name and password (RFC 1928, 1929).
 * @param known whom the `sumbit:` line has signed in already, or why it could not
 */
export const socks5 = async (
  reader: Reader,
  logins: Logins,
  known: Account | ServiceError | undefined,
  commands: SocksCommands,
): Promise<Request | ServedRequest> => {
  const { methods } = await reader.read(decodeGreeting)
  const account = await agree(reader, logins, methods, known)
  try {
    const { command, address } = await reader.read(decodeRequest)
    return socksRequest({ conn: reader.conn, account, words: WORDS }, commands, command, address)
  } catch (error) {
    return refused(reader.conn, WORDS.refused(codeOf(error)), error)
  }
}

/** Settles the method and who it is. */
const agree = async (
  reader: Reader,
  logins: Logins,
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
    const credentials = await reader.read(decodeUserPass)
    const signingIn = signIn(reader, logins, credentials)
    const account = signingIn instanceof Promise ? await signingIn : signingIn
    conn.write(encodeUserPassStatus(0))
    return account
  } catch (error) {
    return refused(conn, encodeUserPassStatus(FAILED), error)
  }
}
