import { createConnection, type Socket } from 'node:net'
import type { Address } from '@sluice/wire'
import type { Conn, ConnSink } from './conn.ts'
import { moveSocket } from './moved-socket.ts'
import { layered, localOf, rawOf, remoteOf } from './raw-socket.ts'
import { LARGEST_READ, ReadBuffer } from './read-buffer.ts'

/**
 * Half-closes are ours to make. With a mark of 1, 'drain' follows every write that had to wait, and a paused socket
 * reads ahead one chunk at the most.
 */
export const CONN_OPTIONS = { allowHalfOpen: true, noDelay: true, highWaterMark: 1 } as const

const CONN = Symbol('conn')
type ConnSocket = Socket & { [CONN]: SocketConn }

// One set of handlers for all sockets: a closure for each event of each conn is what makes idle conns expensive.
function onData(this: Socket, chunk: Uint8Array): void {
  ;(this as ConnSocket)[CONN].readPlainly(chunk)
}
function onRead(this: Socket, size: number): boolean {
  ;(this as ConnSocket)[CONN].read(size)
  return true
}
function onEnd(this: Socket): void {
  ;(this as ConnSocket)[CONN].ended()
}
function onDrain(this: Socket): void {
  ;(this as ConnSocket)[CONN].drained()
}
function onError(this: Socket, error: Error): void {
  ;(this as ConnSocket)[CONN].broke(error)
}
function onClose(this: Socket): void {
  ;(this as ConnSocket)[CONN].gone()
}
const move = (conn: SocketConn): void => conn.move()
function onTlsData(this: Socket, chunk: Uint8Array): void {
  ;(this as ConnSocket)[CONN].receive(chunk)
}

/** The most that Node reads at a time without `onread`, and how many such reads make a bulk transfer. */
const PLAIN_READ = 64 * 1024
const BULK_READS = 16

/** How much of what has come to pass a sink has been told. */
const [NOTHING, END, CLOSE] = [0, 1, 2]

/** A TCP socket as a Conn. Make it with {@link acceptedConn} or {@link dialledConn}. */
export class SocketConn implements Conn {
  socket: Socket
  readLimit: number = LARGEST_READ
  closed = false
  /** @internal */ lastRead = 0
  #buffer: ReadBuffer | undefined
  /** Reads of an accepted socket that brought as much as they can. */
  #fullReads = 0
  #sink: ConnSink | undefined = undefined
  #paused = false
  #kept: Uint8Array | undefined = undefined
  #told = NOTHING
  #ended = false
  /** It failed, or this side gave it up: nobody waits for the rest of its data. */
  #broken = false
  #error: Error | undefined = undefined
  #resetting = false
  #remote: Address | undefined = undefined
  #local: Address | undefined = undefined

  constructor(socket: Socket, buffer?: ReadBuffer) {
    this.socket = socket
    this.#buffer = buffer
    this.#listen()
  }

  get remote(): Address {
    this.#remote ??= remoteOf(this.socket)
    return this.#remote
  }

  get local(): Address {
    this.#local ??= localOf(this.socket)
    return this.#local
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#told = NOTHING
    if (this.#ended || this.closed) this.pause()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const kept = this.#kept
    this.#kept = undefined
    if (kept !== undefined) this.receive(kept)
    if (this.#paused) return
    if (this.#ended || this.closed) this.#tell()
    else this.socket.resume()
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#kept = this.#kept === undefined ? chunk : Buffer.concat([chunk, this.#kept])
  }

  write(chunk: Uint8Array): boolean {
    this.socket.write(chunk)
    return this.socket.writableLength === 0
  }

  /** As `write`, of two chunks that go together. */
  writePair(first: Uint8Array, second: Uint8Array): boolean {
    this.socket.cork()
    this.socket.write(first)
    this.socket.write(second)
    this.socket.uncork()
    return this.socket.writableLength === 0
  }

  end(): void {
    // With the peer's FIN here and ours to send there is nothing to wait for: closing sends it, and saves a shutdown.
    // TLS has an end of its own to send.
    const { socket } = this
    if (this.#ended && socket.writableLength === 0 && rawOf(socket) === socket) socket.destroy()
    else socket.end()
  }

  destroy(): void {
    this.#broken = true
    if (!this.#resetting) this.socket.destroy()
  }

  reset(): void {
    this.#broken = true
    const { socket } = this
    // The FIN is on its way for one more turn of the event loop: libuv refuses a reset (EINVAL), Node loses the handle.
    const isShuttingDown = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished
    if (!isShuttingDown || socket.destroyed) rawOf(socket).resetAndDestroy()
    else if (!this.#resetting) socket.once('finish', () => rawOf(socket).resetAndDestroy())
    this.#resetting = true
  }

  /** @internal */
  read(size: number): void {
    this.lastRead = size
    this.receive(this.#buffer!.chunk(size))
  }

  /** @internal */
  receive(chunk: Uint8Array): void {
    if (this.#sink !== undefined) {
      this.#sink.onData(chunk)
      return
    }
    this.pause()
    this.unread(chunk)
  }

  /** @internal An accepted socket has read; one that turns out to bring much gets a buffer of its own. */
  readPlainly(chunk: Uint8Array): void {
    if (chunk.length >= PLAIN_READ && ++this.#fullReads % BULK_READS === 0) setImmediate(move, this)
    this.receive(chunk)
  }

  move(): void {
    if (this.#paused || this.closed || this.#ended || this.#broken) return
    const buffer = new ReadBuffer()
    const next = (): Uint8Array => buffer.next(this.lastRead, this.readLimit)
    // Asked for now, since the new socket cannot tell before it has read.
    const [remote, local] = [this.remote, this.local]
    const socket = moveSocket(this.socket, { buffer: next, callback: onRead }, CONN_OPTIONS)
    if (socket === undefined) return
    this.#remote = remote
    this.#local = local
    this.lastRead = 0
    this.#buffer = buffer
    this.socket = socket
    this.#listen()
    socket.resume()
  }

  /** @internal Goes on over the socket that `make` puts around the one there is; what was put back comes first. */
  wrap(make: (raw: Socket) => Socket): void {
    if (this.socket.destroyed) return
    const raw = this.release()
    this.socket = layered(make(raw), raw)
    this.#listen()
    this.socket.on('data', onTlsData)
    if (this.#paused) this.socket.pause()
  }

  // A dialled one still reads into our buffer, so that it is of use for TLS around it alone.
  /** @internal Gives the socket away, paused, with what was put back in front; its addresses stay known here. */
  release(): Socket {
    // Asked for now, since they are gone with the first of the two sockets that closes.
    const [remote, local] = [this.remote, this.local]
    const raw = this.#unread().off('error', onError).off('close', onClose)
    this.#buffer?.release()
    this.#buffer = undefined
    this.#remote = remote
    this.#local = local
    return raw
  }

  /** @internal As `takeSocket` says. */
  handOver(): Socket | undefined {
    this.pause()
    return this.#ended || this.socket.destroyed ? undefined : this.#unread()
  }

  /** Reads no more of the socket, which is paused, with what was put back in front. */
  #unread(): Socket {
    const { socket } = this
    socket.pause().off('data', onData).off('data', onTlsData).off('end', onEnd).off('drain', onDrain)
    if (this.#kept !== undefined) socket.unshift(this.#kept)
    this.#kept = undefined
    return socket
  }

  #listen(): void {
    ;(this.socket as ConnSocket)[CONN] = this
    this.socket.on('end', onEnd).on('drain', onDrain).on('error', onError).on('close', onClose)
  }

  /** @internal */
  ended(): void {
    this.#ended = true
    this.#tell()
  }

  /** @internal */
  drained(): void {
    this.#sink?.onDrain()
  }

  /** @internal */
  broke(error: Error): void {
    this.#broken = true
    this.#error ??= error
  }

  /** @internal */
  gone(): void {
    this.closed = true
    this.#buffer?.release()
    this.#tell()
  }

  /**
   * A socket that reads ahead tells of its end, and where our side has ended too, of its close, while the sink still
   * holds the last data: both then wait until it resumes.
   */
  #tell(): void {
    const sink = this.#sink
    if (sink === undefined) return
    if (this.#ended && this.#told === NOTHING && !(this.closed && this.#broken)) {
      if (this.#paused) return
      this.#told = END
      sink.onEnd()
      if (this.#sink !== sink) return
    }
    if (!this.closed || this.#told === CLOSE) return
    this.#told = CLOSE
    sink.onClose(this.#error)
  }
}

/** The conn of a socket that a listener has accepted. Reads at most 64 KiB at a time, as Node does. */
export const acceptedConn = (socket: Socket): SocketConn => {
  const conn = new SocketConn(socket)
  socket.on('data', onData)
  return conn
}

/**
 * A conn that is being dialled, reading into a buffer of its own; see {@link ReadBuffer}. The caller waits for
 * 'connect' on `socket`.
 * @param host an IP address
 * @param localAddress one of this machine, of the same family; left out, the system picks one
 */
export const dialledConn = (host: string, port: number, localAddress?: string): SocketConn => {
  const buffer = new ReadBuffer()
  let conn: SocketConn | undefined = undefined
  const next = (): Uint8Array =>
    conn === undefined ? buffer.bytes : buffer.next(conn.lastRead, conn.readLimit)
  const onread = { buffer: next, callback: onRead }
  const socket = createConnection({ host, port, localAddress, ...CONN_OPTIONS, onread })
  conn = new SocketConn(socket, buffer)
  return conn
}
