// What our own loop costs without a protocol, or a limit, or a count: any two who come and say a byte are a pair. Each is
// told a byte, and then all that comes from one goes to the other. Its last argument is the port.
import { type Conn, type ConnSink, type Lane, listen, Relay } from '@sluice/net'

let waiting: Conn | undefined = undefined

const freeLane = (): Lane => ({ limiter: undefined, onGrant: () => {}, count: () => {} })

function onConn(conn: Conn): void {
  const sink: ConnSink = {
    onData: () => {
      conn.pause()
      conn.attach(undefined)
      join(conn)
    },
    onEnd: () => conn.destroy(),
    onDrain: () => {},
    onClose: () => {},
  }
  conn.attach(sink)
  conn.resume()
}

function join(conn: Conn): void {
  if (waiting === undefined) {
    waiting = conn
    return
  }
  const relay = new Relay(waiting, conn, { up: freeLane(), down: freeLane() })
  for (const end of [waiting, conn]) end.write(Uint8Array.of(1))
  waiting = undefined
  relay.run().catch(() => {})
}

const port = Number(process.argv[2])
await listen({ host: '127.0.0.1', port, onConn, onError: () => {} })
