import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Conn, listen } from '@sluice/net'

/** Two ends of a circuit on loopback, and what a relay in between holds of it. */
export interface RawCircuit extends Disposable {
  readonly source: Conn
  readonly destination: Conn
  /** The relay's sockets to them; nothing is passed on yet. */
  readonly near: Socket
  readonly far: Socket
}

const end = async (): Promise<{ conn: Conn; socket: Socket }> => {
  const arrived = Promise.withResolvers<Conn>()
  const onError = (error: Error): void => arrived.reject(error)
  const listener = await listen({ host: '127.0.0.1', port: 0, onConn: arrived.resolve, onError })
  const { host, port } = listener.address
  const socket = connect({ host, port, allowHalfOpen: true })
  // The tests cut conns; what that means to the relay is none of their business.
  socket.on('error', () => {})
  await once(socket, 'connect')
  const conn = await arrived.promise
  listener.close()
  return { conn, socket }
}

export const rawCircuit = async (): Promise<RawCircuit> => {
  const [one, other] = [await end(), await end()]
  const ends = { source: one.conn, destination: other.conn, near: one.socket, far: other.socket }
  return {
    ...ends,
    [Symbol.dispose]: () => {
      for (const socket of [one.socket, other.socket]) socket.destroy()
    },
  }
}

/** Passes all on, half-closes too. */
export const pass = ({ near, far }: RawCircuit): void => {
  near.pipe(far)
  far.pipe(near)
}
