import type { Reader } from '@sluice/net'
import { refuse } from '@sluice/net'
import { type Account, type Directory, type Handshake, ServiceError } from '@sluice/service'
import { decodeSumbit } from '@sluice/wire'
import { connect } from './connect.ts'
import { socks5 } from './socks5.ts'

const SOCKS5 = 0x05
const SUMBIT = 's'.charCodeAt(0)
const NOTHING = new Uint8Array(0)

/** Both listeners take every protocol of this door; the first byte tells which. */
export const handshake: Handshake = async (reader, directory) => {
  const first = await reader.peek()
  if (first !== SUMBIT) return byProtocol(reader, directory, first, undefined)
  const known = await sumbit(reader, directory)
  return byProtocol(reader, directory, await reader.peek(), known)
}

const byProtocol = async (
  reader: Reader,
  directory: Directory,
  first: number,
  known: Account | ServiceError | undefined,
): ReturnType<Handshake> => {
  if (first === SOCKS5) return socks5(reader, directory, known)
  if (first >= 0x41 && first <= 0x5a) return connect(reader, directory, known)
  // There are no words for somebody whose protocol nobody knows.
  await refuse(reader.conn, NOTHING)
  throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
}

/** The line itself has no answer; a wrong password is told in the words of the protocol behind it. */
const sumbit = async (reader: Reader, directory: Directory): Promise<Account | ServiceError> => {
  const { username, password } = await reader.read(decodeSumbit)
  try {
    return await directory.signIn(username, password)
  } catch (error) {
    if (error instanceof ServiceError) return error
    throw error
  }
}
