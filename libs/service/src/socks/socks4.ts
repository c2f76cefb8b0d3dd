import { isIP } from 'node:net'
import type { Reader } from '@sluice/net'
import { refuse } from '@sluice/net'
import { decodeSocks4Request, encodeSocks4Reply, SOCKS4_REPLY } from '@sluice/wire'
import type { Account } from '../account.ts'
import { codeOf, type ErrorCode, ServiceError } from '../errors.ts'
import type { Request, ServedRequest } from '../request.ts'
import { type Logins, signIn } from '../sign-in.ts'
import { type SocksCommands, socksRequest, type SocksWords } from './socks-request.ts'

const COLON = 0x3a
const NOWHERE = { host: '0.0.0.0', port: 0 }
/** All that the protocol can tell apart: who is asking, and everything else. */
const OTHER_USER: ReadonlySet<ErrorCode> = new Set(['AUTH_REQUIRED', 'AUTH_FAILED'])

const WORDS: SocksWords = {
  protocol: 'socks4',
  // 0.0.0.0 is the address of the server, whichever that is, and all there is to say about IPv6.
  accepted: ({ host, port }) =>
    encodeSocks4Reply(SOCKS4_REPLY.GRANTED, { host: isIP(host) === 4 ? host : NOWHERE.host, port }),
  refused: (code) =>
    encodeSocks4Reply(OTHER_USER.has(code) ? SOCKS4_REPLY.OTHER_USER : SOCKS4_REPLY.REJECTED, NOWHERE),
}

/**
 * SOCKS4 and 4A. There is no password in it, so USERID is `NAME:PASSWORD`: in the clear, as those of RFC 1929 are.
 * @param known whom the `sumbit:` line has signed in already, or why it could not; USERID means nothing then
 */
export const socks4 = async (
  reader: Reader,
  logins: Logins,
  known: Account | ServiceError | undefined,
  commands: SocksCommands,
): Promise<Request | ServedRequest> => {
  const { conn } = reader
  try {
    const { command, address, userId } = await reader.read(decodeSocks4Request)
    if (known instanceof ServiceError) throw known
    const account = known ?? (await signInAs(reader, logins, userId))
    // It has no datagrams.
    return socksRequest({ conn, account, words: WORDS }, { ...commands, udp: undefined }, command, address)
  } catch (error) {
    await refuse(conn, WORDS.refused(codeOf(error)))
    throw error
  }
}

const signInAs = (reader: Reader, logins: Logins, userId: Uint8Array): Account | Promise<Account> => {
  const colon = userId.indexOf(COLON)
  if (colon < 0) throw new ServiceError('AUTH_REQUIRED', 'a user id without a password')
  return signIn(reader, logins, {
    username: userId.subarray(0, colon),
    password: userId.subarray(colon + 1),
  })
}
