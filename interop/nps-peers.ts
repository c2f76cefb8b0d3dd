import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'

/** For polls that run a command of the program, which would take all of a processor at shorter intervals. */
export const COMMAND: { readonly interval: number } = { interval: 250 }

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Sends this to an echo at a port of loopback while it takes what comes back. @returns what came back, as long as that */
export const exchange = async (port: number, bytes: Uint8Array): Promise<Buffer> => {
  const socket = connect({ host: '127.0.0.1', port })
  const chunks: Buffer[] = []
  let size = 0
  socket.write(bytes)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= bytes.length) break
  }
  socket.destroy()
  return Buffer.concat(chunks)
}

const ANSWER_MS = 20_000

/** One datagram to an echo. @returns what came back; undefined where nothing does */
export const datagram = async (
  socket: UdpSocket,
  port: number,
  bytes: Uint8Array,
): Promise<Buffer | undefined> => {
  const answered = once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS) })
  socket.send(bytes, port, '127.0.0.1')
  const [answer] = (await answered.catch(() => [undefined])) as [Buffer | undefined]
  return answer
}

export const udpSocket = async (): Promise<UdpSocket> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** Sends each datagram back. */
export const udpEcho = async (): Promise<{ port: number } & Disposable> => {
  const socket = await udpSocket()
  socket.on('message', (bytes, { address, port }) => socket.send(bytes, port, address))
  return { port: socket.address().port, [Symbol.dispose]: () => void socket.close() }
}

export const noise = (size: number): Buffer => randomBytes(size)
