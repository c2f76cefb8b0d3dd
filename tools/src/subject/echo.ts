import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

const IDLE_MS = 1000

const REQUEST = /^[A-Z]+ (?:\/\S*|\*) HTTP\//
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/**
 * An origin that says back what it is told, and to requests of HTTP that all is well, more often than it was asked where they
 * come in pieces; one that is told nothing for a second is left.
 * @param answerTo what it says to something of HTTP instead
 */
export async function openEcho(
  answerTo: (request: string) => string | Uint8Array = () => RESPONSE,
): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.once('data', (first: Buffer) => {
      const request = first.toString('latin1', 0, 10_000)
      if (REQUEST.test(request)) {
        socket.write(answerTo(request))
        socket.on('data', (more: Buffer) => socket.write(answerTo(more.toString('latin1', 0, 10_000))))
        socket.on('end', () => socket.end())
      } else {
        socket.write(first)
        socket.pipe(socket)
      }
    })
  })
  const port = await portOf(server)
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port, close }
}

/** The port of 127.0.0.1 that `server` listens on from now on. */
export async function portOf(server: Server): Promise<number> {
  await once(server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the origin has no port')
  return address.port
}
