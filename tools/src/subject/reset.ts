import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What can be reset: a socket, or what stands on one. */
export type Resettable = Duplex & { resetAndDestroy(): unknown }

/**
 * Resets a connection, once its FIN is out where that is just on its way: libuv refuses a reset until then, and Node
 * would lose the handle, so that the socket never closes.
 */
export const reset = (conn: Resettable): void => {
  const isShuttingDown = conn.writableEnded && conn.writableLength === 0 && !conn.writableFinished
  if (conn instanceof Socket && isShuttingDown && !conn.destroyed) {
    conn.once('finish', () => conn.resetAndDestroy())
  } else conn.resetAndDestroy()
}
