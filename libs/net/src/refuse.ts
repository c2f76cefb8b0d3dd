import type { Conn, ConnSink } from './conn.ts'

const DRAIN_MS = 1000

/**
 * Sends the last words of a refused conn so that they arrive: written, half-closed, and what the client still sends is
 * read and dropped until it closes, for 1 s at most. Destroying a socket with unread input would send a reset, and a
 * reset makes the client's system throw the answer away. Never rejects.
 */
export const refuse = (conn: Conn, words: Uint8Array, drainMs: number = DRAIN_MS): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      conn.attach(undefined)
      conn.destroy()
      resolve()
    }
    const timer = setTimeout(done, drainMs)
    const sink: ConnSink = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: done }
    conn.attach(sink)
    conn.pause()
    if (words.length > 0) conn.write(words)
    conn.end()
    conn.resume()
  })
