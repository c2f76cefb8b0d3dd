import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** Somebody that programs dial. */
export interface Target extends AsyncDisposable {
  readonly port: number
  /** host:port */
  readonly text: string
}

export const openTcp = async (onSocket: (socket: Socket) => void): Promise<Target> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => onSocket(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, text: `127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void server.close() }
}

export const openEcho = (): Promise<Target> => openTcp((socket) => socket.pipe(socket))

export const openUdpEcho = async (): Promise<Target> => {
  const socket = createSocket('udp4')
  socket.on('message', (message, { address, port }) => socket.send(message, port, address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  return { port, text: `127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void socket.close() }
}

/** A port where nobody listens. */
export const closedPort = async (): Promise<number> => {
  const target = await openTcp(() => {})
  await target[Symbol.asyncDispose]()
  return target.port
}
