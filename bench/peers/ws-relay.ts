// A relay as one writes it with `ws`: any two who come and say something are a pair. Each is told a byte, and then every
// message from one goes to the other, whose socket, when it is behind, holds the first one back. Its last argument is the port.
import { type RawData, type WebSocket, WebSocketServer } from 'ws'

let waiting: WebSocket | undefined = undefined

const port = Number(process.argv[2])
const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false, maxPayload: 65_536 })
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate())
  socket.once('message', () => join(socket))
})

function join(socket: WebSocket): void {
  if (waiting === undefined) {
    waiting = socket
    return
  }
  for (const end of [waiting, socket]) end.send(Uint8Array.of(1))
  forward(waiting, socket)
  forward(socket, waiting)
  waiting = undefined
}

function forward(from: WebSocket, to: WebSocket): void {
  const written = (): void => {
    if (from.isPaused && to.bufferedAmount === 0) from.resume()
  }
  from.on('message', (data: RawData, binary: boolean) => {
    to.send(data, { binary }, written)
    if (to.bufferedAmount > 0) from.pause()
  })
  from.on('close', () => to.close())
}
