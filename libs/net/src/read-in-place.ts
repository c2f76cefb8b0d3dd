import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Conn } from './conn.ts'
import { SocketConn } from './socket-conn.ts'

/** The most that a record of TLS carries (RFC 8446 §5.1). */
const RECORD = 16 * 1024
/** Of a socket with `onread`: where it reads into, whom it tells, and who says where it reads into next. */
const NAMES = ['kBuffer', 'kBufferCb', 'kBufferGen'] as const

interface Handle {
  useUserBuffer(buffer: Uint8Array): void
}

/**
 * Has a conn over TLS read into a buffer of its own from now on, for one that brings much: what Node allocates for each
 * record is half of what reading them costs. Node takes no `onread` for TLS around another socket; as of a socket that
 * was moved, private properties are all that there is to do it with.
 * @returns whether it does; not where there is no TLS, where this Node has no such properties, or where bytes are under way
 */
export const readInPlace = (conn: Conn): boolean => {
  const socket = conn instanceof SocketConn ? conn.socket : undefined
  if (!(socket instanceof TLSSocket) || socket.destroyed || socket.readableEnded || socket.readableLength > 0)
    return false
  const keys = Object.getOwnPropertySymbols(socket)
  const [buffer, callback, generator] = NAMES.map((name) =>
    keys.find(({ description }) => description === name),
  )
  const handle = Reflect.get(socket, '_handle') as Partial<Handle> | null
  if (!buffer || !callback || !generator || handle?.useUserBuffer === undefined) return false
  let bytes = Buffer.allocUnsafeSlow(RECORD)
  handle.useUserBuffer(bytes)
  // A sink that has paused keeps what it was lent.
  const next = (): Uint8Array => (socket.isPaused() ? (bytes = Buffer.allocUnsafeSlow(RECORD)) : bytes)
  const onRead = (size: number, read: Uint8Array): boolean =>
    pass(conn as SocketConn, socket, read.subarray(0, size))
  Object.assign(socket, { [buffer]: bytes, [callback]: onRead, [generator]: next })
  return true
}

/** TLS brings the records that it has read already even to a socket that is paused. They wait in its stream, as ever. */
const pass = (conn: SocketConn, socket: Socket, chunk: Uint8Array): boolean => {
  if (socket.isPaused() || socket.readableLength > 0) socket.push(Buffer.from(chunk))
  else conn.receive(chunk)
  return true
}
