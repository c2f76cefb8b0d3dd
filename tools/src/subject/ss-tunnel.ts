import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Address } from '@sluice/wire'
import {
  encodeSsRequest,
  type Opener,
  ResponseOpener,
  type Sealer,
  type SsKey,
} from '@sluice/wire/shadowsocks'
import { reset } from './reset.ts'

/** A user of ss-node as a client knows them. */
export interface SsLogin {
  readonly port: number
  readonly key: SsKey
  /** Of the server, where the user is known by an identity header. */
  readonly serverKey?: SsKey | undefined
}

/** The bytes that ask for a tunnel, with `early` payload, and what is said and heard after them. */
export interface SsAsked {
  readonly bytes: Uint8Array
  readonly sealer: Sealer
  readonly opener: Opener
}

const PADDING = 7

export function askSs(
  { key, serverKey }: SsLogin,
  target: Address,
  early: Uint8Array = new Uint8Array(0),
): SsAsked {
  const salt = randomBytes(key.method.saltBytes)
  const seconds = Math.floor(Date.now() / 1000)
  const identity = serverKey && { identity: [serverKey] }
  const request = encodeSsRequest(key, salt, { target, early, seconds, padding: PADDING, ...identity })
  return { ...request, opener: new ResponseOpener(key, salt) }
}

/** The plain end of a tunnel through ss-node. Half-closes are the caller's to make; errors are told by 'close' alone. */
export class SsTunnel extends Duplex {
  readonly #socket: Socket
  readonly #sealer: Sealer
  readonly #opener: Opener

  /** Is not refused, since nobody is told so: a tunnel that leads nowhere ends. */
  static async open(login: SsLogin, target: Address, early?: Uint8Array): Promise<SsTunnel> {
    const asked = askSs(login, target, early)
    const socket = createConnection({
      port: login.port,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    })
    const tunnel = new SsTunnel(socket, asked)
    await once(socket, 'connect')
    socket.write(asked.bytes)
    return tunnel
  }

  private constructor(socket: Socket, { sealer, opener }: SsAsked) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#sealer = sealer
    this.#opener = opener
    socket
      .on('data', (chunk) => this.#take(chunk))
      .on('end', () => this.push(null))
      .on('error', () => undefined)
      .on('close', () => this.#close())
  }

  resetAndDestroy(): void {
    reset(this.#socket)
    this.destroy()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const out = new Uint8Array(this.#sealer.room(chunk.length))
    const sealed = out.subarray(0, this.#sealer.seal(chunk, out))
    // A socket that is gone is told by its 'close'.
    this.#socket.write(sealed, () => done())
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done()
  }

  /** What has come properly, with its end, is still to be read. */
  #close(): void {
    if (this.#socket.readableEnded && !this.readableEnded) this.once('end', () => this.destroy())
    else this.destroy()
  }

  /** What comes that was not sealed for us ends the tunnel. */
  #take(chunk: Buffer): void {
    const out = Buffer.allocUnsafe(this.#opener.room(chunk.length))
    try {
      const plain = out.subarray(0, this.#opener.open(chunk, out))
      if (plain.length > 0 && !this.push(plain)) this.#socket.pause()
    } catch {
      this.destroy()
    }
  }
}
