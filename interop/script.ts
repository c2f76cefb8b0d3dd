import { once } from 'node:events'
import { connect } from 'node:net'

/** Whoever says nothing for so long will not say anything. */
const SILENT_MS = 5000

/**
 * Says each message to 127.0.0.1:`port` once the one before it was answered, or all at once, the last of which is
 * echoed; then half-closes.
 * @returns everything that came back until the end
 */
export const script = async (port: number, messages: readonly Buffer[], atOnce = false): Promise<Buffer> => {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  const closed = once(socket, 'close')
  socket.on('error', () => {}).setTimeout(SILENT_MS, () => socket.destroy())
  let answer = Buffer.alloc(0)
  socket.on('data', (chunk) => (answer = Buffer.concat([answer, chunk])))
  const said = messages.filter(({ length }) => length > 0)
  if (atOnce) {
    socket.write(Buffer.concat(said))
    // Some give up on a tunnel whose client has half-closed, echo or not.
    while (!socket.destroyed && !answer.includes(said.at(-1) ?? ''))
      await Promise.race([once(socket, 'data'), closed])
  } else {
    for (const message of said) {
      socket.write(message)
      await Promise.race([once(socket, 'data'), closed])
    }
  }
  socket.end()
  await closed
  return answer
}
