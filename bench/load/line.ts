import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as secure, type ConnectionOptions, TLSSocket } from 'node:tls'
import type { Decode } from '@sluice/wire'

/** Bytes to and from somebody; what is read is gone when the call returns. */
export interface Pipe {
  /** What to write for this payload to arrive, as often as one likes. */
  wrap(payload: Uint8Array): Uint8Array
  /** @returns whether to go on; if not, `onDrain` is called once it can */
  write(bytes: Uint8Array): boolean
  onDrain: () => void
  /** All that comes, with whatever `wrap` adds. Until it is set, what comes is kept for `read`. */
  onBytes: ((bytes: Uint8Array) => void) | undefined
  close(): void
}

/** One buffer for all sockets: nobody keeps what it reads. */
const SHARED = new Uint8Array(1024 * 1024)

/** A socket of the load generator: values first, then bytes as cheaply as Node has them. */
export class Line implements Pipe {
  readonly #socket: Socket
  onDrain: () => void = () => {}
  onBytes: ((bytes: Uint8Array) => void) | undefined = undefined
  #held: Buffer = Buffer.alloc(0)
  #over: Error | undefined = undefined
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('drain', () => this.onDrain())
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('the other side has closed')))
  }

  static async dial(port: number): Promise<Line> {
    let line: Line
    const callback = (size: number): boolean => {
      line.#take(SHARED.subarray(0, size))
      return true
    }
    const onread = { buffer: SHARED, callback }
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread })
    line = new Line(socket)
    await once(socket, 'connect')
    return line
  }

  /** Past its handshake; whoever answers will do. */
  static async dialTls(port: number, options: ConnectionOptions): Promise<Line> {
    const socket = secure({ ...options, host: '127.0.0.1', port, rejectUnauthorized: false }).setNoDelay()
    await once(socket, 'secureConnect')
    const line = new Line(socket)
    socket.on('data', (chunk) => line.#take(chunk))
    return line
  }

  #take(bytes: Uint8Array): void {
    if (this.onBytes !== undefined) return this.onBytes(bytes)
    this.#held = Buffer.concat([this.#held, bytes])
    this.#wake()
  }

  wrap(payload: Uint8Array): Uint8Array {
    return payload
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes)
  }

  /** The next value. @throws where the socket is over before */
  async read<T>(decode: Decode<T>): Promise<T> {
    for (;;) {
      const decoded = this.#held.length > 0 ? decode(this.#held) : undefined
      if (decoded !== undefined) {
        this.#held = this.#held.subarray(decoded.size)
        return decoded.value
      }
      if (this.#over !== undefined) throw this.#over
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Keying material of the TLS below (RFC 5705), 32 octets. */
  keyingMaterial(label: string): Uint8Array | undefined {
    const socket = this.#socket
    return socket instanceof TLSSocket ? socket.exportKeyingMaterial(32, label, undefined!) : undefined
  }

  close(): void {
    this.#socket.destroy()
  }

  #end(error: Error): void {
    this.#over ??= error
    this.#wake()
  }
}
