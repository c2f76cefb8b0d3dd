import type { Socket } from 'node:net'
import type { Conn } from './conn.ts'
import { SocketConn } from './socket-conn.ts'

/**
 * The socket below an accepted conn, for who wants one: it is paused, and begins with what was put back. Of the conn only
 * `closed`, `destroy` and `reset` are of use afterwards.
 * @returns undefined where the peer has ended, or the conn is closed: a socket tells of that once
 */
export const takeSocket = (conn: Conn): Socket | undefined => {
  if (conn instanceof SocketConn) return conn.handOver()
  throw new TypeError('there is no socket below this conn')
}
