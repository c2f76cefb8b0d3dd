import { type Conn, Reader } from '@sluice/net'
import {
  type Address,
  COMMAND,
  type Credentials,
  decodeMethod,
  decodeReply,
  decodeUserPassStatus,
  encodeGreeting,
  encodeRequest,
  encodeUserPass,
  METHOD,
  USER_PASS_STATUS,
} from '@sluice/wire'
import { noAnswer, ServerRefusal, serverReply, wrongPassword } from './refusal.ts'

/** The server has its own deadlines; this is for one that has gone without a word. */
const ANSWER_MS = 60_000
/** The longest reply of SOCKS5 has 262 bytes; what comes with it is kept as well. */
const MAX_ANSWER_BYTES = 64 * 1024

/**
 * Asks the server for `target` by SOCKS5 with name and password, all in one go.
 * @returns its end of the connection to the target; the conn then carries the payload
 * @throws ServerRefusal; the signal's reason
 */
export const askServer = async (
  conn: Conn,
  credentials: Credentials,
  target: Address,
  signal: AbortSignal,
): Promise<Address> => {
  const reader = new Reader(conn, MAX_ANSWER_BYTES)
  const fail = (): void => reader.fail(signal.reason as Error)
  const timer = setTimeout(() => reader.fail(new Error('it took too long')), ANSWER_MS)
  signal.addEventListener('abort', fail)
  try {
    conn.write(
      Buffer.concat([
        encodeGreeting({ methods: Uint8Array.of(METHOD.USER_PASS) }),
        encodeUserPass(credentials),
        encodeRequest({ command: COMMAND.CONNECT, address: target }),
      ]),
    )
    return await answer(reader)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof ServerRefusal ? error : noAnswer(error)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', fail)
    reader.release()
  }
}

const answer = async (reader: Reader): Promise<Address> => {
  const method = await reader.read(decodeMethod)
  if (method !== METHOD.USER_PASS) throw noAnswer(new Error('it takes no name and password'))
  if ((await reader.read(decodeUserPassStatus)) !== USER_PASS_STATUS.SUCCESS) throw wrongPassword()
  const { reply, bound } = await reader.read(decodeReply)
  if (reply !== 0) throw serverReply(reply)
  return bound
}
