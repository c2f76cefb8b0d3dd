import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

const IDLE_MS = 1000

/** An origin that says back what it is told; one that is told nothing for a second is left. */
export async function openEcho(): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.pipe(socket)
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
