import type { Reader } from '@sluice/net'
import { refuse } from '@sluice/net'
import { type Account, type Directory, type Handshake, ServiceError, signIn } from '@sluice/service'
import { type ForwardSettings, http } from '@sluice/service/http'
import { socks4, socks5, type SocksCommands } from '@sluice/service/socks'
import { decodeSumbit } from '@sluice/wire'

const SOCKS4 = 0x04
const SOCKS5 = 0x05
const SUMBIT = 's'.charCodeAt(0)
const NOTHING = new Uint8Array(0)

/** What a listener is told about the protocols that it takes. */
export interface DoorSettings {
  readonly socks: SocksCommands
  readonly forward: ForwardSettings
}

/** Both listeners take every protocol of this door; the first byte tells which. */
export const createHandshake =
  (settings: DoorSettings): Handshake =>
  async (reader, directory) => {
    const first = await reader.peek()
    if (first !== SUMBIT) return byProtocol(reader, directory, first, undefined, settings)
    const known = await sumbit(reader, directory)
    return byProtocol(reader, directory, await reader.peek(), known, settings)
  }

const byProtocol = async (
  reader: Reader,
  directory: Directory,
  first: number,
  known: Account | ServiceError | undefined,
  { socks, forward }: DoorSettings,
): ReturnType<Handshake> => {
  if (first === SOCKS5) return socks5(reader, directory, known, socks)
  if (first === SOCKS4) return socks4(reader, directory, known, socks)
  if (first >= 0x41 && first <= 0x5a) return http(reader, directory, { known, forward })
  // There are no words for somebody whose protocol nobody knows.
  await refuse(reader.conn, NOTHING)
  throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
}

/** The line itself has no answer; a wrong password is told in the words of the protocol behind it. */
const sumbit = async (reader: Reader, directory: Directory): Promise<Account | ServiceError> => {
  const credentials = await reader.read(decodeSumbit)
  try {
    return await signIn(reader, directory, credentials)
  } catch (error) {
    if (error instanceof ServiceError) return error
    throw error
  }
}
