import { TLSSocket } from 'node:tls'
import type { Address } from '@sluice/wire'
import type { Conn } from './conn.ts'
import { ConnStream } from './conn-stream.ts'
import { SocketConn } from './socket-conn.ts'
import { failure } from './start-tls.ts'
import type { TlsContext } from './tls-context.ts'

/** TLS over a conn that is no socket, such as a stream of a mux. */
class OverConn extends SocketConn {
  readonly #base: Conn

  constructor(socket: TLSSocket, base: Conn) {
    super(socket)
    this.#base = base
    const receive = (chunk: Uint8Array): void => this.receive(chunk)
    socket.on('data', receive)
  }

  override get remote(): Address {
    return this.#base.remote
  }

  override get local(): Address {
    return this.#base.local
  }

  override reset(reason?: number): void {
    this.#base.reset(reason)
    this.destroy()
  }
}

/** What TLS reads from: it keeps nothing of what it is given, so that while it takes all there is no need for copies. */
class Base extends ConnStream {
  /** The other side says no more. */
  onEnded: () => void = () => {}

  override onEnd(): void {
    this.onEnded()
    super.onEnd()
  }

  override onClose(error: Error | undefined): void {
    if (error === undefined) this.onEnded()
    super.onClose(error)
  }

  override onData(chunk: Uint8Array): void {
    if (this.readableFlowing === true && this.readableLength === 0) this.emit('data', chunk)
    else super.onData(chunk)
  }
}

/**
 * The inside of TLS over any conn, in the server's part: the conn is its own from now on. It may be read and written at
 * once; a handshake that fails closes it with NetError TLS_FAILED. Each byte is copied once more than by `startTls`, so
 * sockets go that way.
 */
export const tlsOver = (base: Conn, { secureContext }: TlsContext): Conn => {
  const below = new Base(base)
  const socket = new TLSSocket(below, {
    isServer: true,
    secureContext,
    highWaterMark: 1,
  } as object)
  const conn = new OverConn(socket, base)
  const fail = (error: Error): void => {
    conn.broke(failure(error))
    conn.destroy()
  }
  socket.on('_tlsError', fail)
  // TLS itself would wait for the rest of a handshake for ever, and what is written with it.
  below.onEnded = (): void => fail(new Error('the peer closed during the handshake'))
  socket.once('secure', () => (below.onEnded = (): void => {}))
  return conn
}
