import type { Reader } from './reader.ts'

/**
 * For a handshake that must not tell whether it understood anything: takes whatever the client sends as if it were of
 * use, and answers nothing, until the client ends or the session's deadline comes. Then throws `error`, whatever it was
 * that ended the wait; and since all was read, the close that follows is no reset.
 */
export const drainSilently = async (reader: Reader, error: Error): Promise<never> => {
  await reader.drain()
  throw error
}
